import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { filesystem } from '../../src/storage/filesystem/filesystem.ts';
import { memory } from '../../src/storage/memory.ts';
import { sqlite } from '../../src/storage/sqlite/sqlite.ts';
import { type PlantedBug, plantedBugs } from './planted-bugs.ts';
import { runs, timeoutMs } from './runs.ts';
import { type Turn, turnOf } from './scheduled-stores.ts';
import { createWorld, type Deed, openProcesses, type Stores } from './world.ts';

const repository = fc.constantFrom(0, 0, 0, 1);
const content = fc.nat(2);
const manifest = fc.nat(1);

/** Deeds of these kinds; one that stands there twice comes twice as often. */
function deedAmong(kinds: readonly Deed['kind'][]): fc.Arbitrary<Deed> {
  return fc.record({ kind: fc.constantFrom(...kinds), repository, from: repository, content, manifest });
}

const everything: readonly Deed['kind'][] = [
  ...(['session', 'push', 'writers', 'mount', 'deleteBlob', 'deleteBlob'] as const),
  ...(['manifest', 'manifest', 'deleteManifest', 'deleteTag', 'sweep'] as const),
];

/** A deed in the first repository. */
const first = (kind: Deed['kind'], content: number): Deed => ({ kind, repository: 0, from: 0, content, manifest: 0 });

/** What is there before: without it most manifests would be refused for want of blobs. */
const beginnings: fc.Arbitrary<readonly Deed[]> = fc
  .record({ isTagged: fc.boolean(), isMounted: fc.boolean() })
  .map(({ isTagged, isMounted }) => [
    ...[first('session', 0), first('session', 1), first('push', 2)],
    ...(isTagged ? [first('manifest', 0)] : []),
    ...(isMounted ? [{ ...first('mount', 0), repository: 1 }] : []),
  ]);

/** Deeds that are done at once, in every order of their calls to the stores that the scheduler finds. */
function interleavings(stores: Stores, { plant, among }: PlantedBug) {
  const processes = openProcesses(stores, plant);
  const deeds = fc.array(deedAmong(among), { minLength: 2, maxLength: 6 });
  return fc.asyncProperty(fc.scheduler(), beginnings, deeds, async (scheduler, before, atOnce) => {
    let isStarted = false;
    const scheduled = turnOf(scheduler);
    const turn: Turn = (call) => (isStarted ? scheduled(call) : Promise.resolve());
    processes.take(turn);
    const world = createWorld(processes, turn);
    for (const one of before) await world.run(one);
    isStarted = true;
    await scheduler.waitFor(Promise.all(atOnce.map((one) => world.run(one))));
    isStarted = false;
    expect(await world.problems()).toEqual([]);
  });
}

function inMemory(): Stores {
  const metadata = sqlite({ file: ':memory:' });
  onTestFinished(() => metadata.close());
  const blobs = memory();
  return { metadata, blobs: [blobs, blobs] };
}

function onDisk(): Stores {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-interleavings-'));
  const metadata = sqlite({ file: join(directory, 'registry.db') });
  onTestFinished(async () => {
    await metadata.close();
    rmSync(directory, { recursive: true });
  });
  const open = () => filesystem({ directory: join(directory, 'blobs') });
  return { metadata, blobs: [open(), open()] };
}

describe.each([
  ['in memory', inMemory, 60],
  ['in SQLite and files, by two processes', onDisk, 12],
] as const)('%s', (_, open, count) => {
  test(
    'pushes, mounts, manifests, deletes and sweeps that meet: what was acknowledged is served, whole, and no more',
    async () => {
      const unharmed = { plant: (stores: Stores) => stores, among: everything };
      await fc.assert(interleavings(open(), unharmed), runs(count));
    },
    timeoutMs,
  );
});

describe('the test of the test', () => {
  test.each(Object.entries(plantedBugs))('finds a store that %s', async (_, bug) => {
    const { failed } = await fc.check(interleavings(inMemory(), bug), { numRuns: 500, endOnFailure: true });
    expect(failed).toBe(true);
  });
});
