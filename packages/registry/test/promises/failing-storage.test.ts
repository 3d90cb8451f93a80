import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BlobStore } from '../../src/storage/blob-store.ts';
import { blobFiles } from '../../src/storage/filesystem/blob-files.ts';
import { layout } from '../../src/storage/filesystem/layout.ts';
import type { MetadataStore } from '../../src/storage/metadata-store.ts';
import { sqlite } from '../../src/storage/sqlite/sqlite.ts';
import { openTestRegistry, type TestRegistry } from '../support/registry.ts';
import { listKeys } from '../support/uploads.ts';
import { type Act, acts, type Change, Refused, type Request } from './acts.ts';
import { createFaults, type FaultPlan, failingFiles, failingMetadata, type Struck } from './faults.ts';

/** More calls than any act makes: an act that never ends fails. */
const maximumCalls = 100;

const dayMs = 24 * 60 * 60 * 1000;

/** Longer than a writer holds a session, and than a sweep holds its lease, without a sign of life. */
const leaseMs = 61_000;

const faults = createFaults();
const failing = failingFiles(faults);
let directory: string;
let metadata: MetadataStore;
let blobs: BlobStore;
let opened: TestRegistry;
let nowMs: number;
let ids: number;

/** Ids that are never used twice, and keys that all lie on one shelf. */
function nextId(): string {
  ids += 1;
  return ids.toString(16).padStart(32, '0');
}

/** Opens the registry anew over the same rows and files, as a process does that was started again. */
function restart(): void {
  blobs = blobFiles(layout(directory), failing.files);
  const sources = { now: () => nowMs, randomId: nextId };
  opened = openTestRegistry({ metadata: failingMetadata(metadata, faults), blobs, sources });
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'moorage-faults-'));
  metadata = sqlite({ file: ':memory:' });
  nowMs = Date.now();
  ids = 0;
  restart();
});
afterEach(async () => {
  await opened.close();
  rmSync(directory, { recursive: true });
});

const request: Request = async (method, target, call) => {
  const answer = await opened.call(method, target, call);
  if (answer.status >= 300) throw new Refused(answer, opened.faults.at(-1));
  return answer;
};

/** What is served at `target`; undefined: nothing. */
async function read(target: string): Promise<Uint8Array | undefined> {
  const answer = await opened.call('GET', target);
  if (answer.status === 404) return undefined;
  if (answer.status >= 300) throw new Refused(answer);
  return answer.bytes;
}

const isSame = (served: Uint8Array | undefined, wanted: Uint8Array | undefined) =>
  served === undefined || wanted === undefined ? served === wanted : Buffer.compare(served, wanted) === 0;

async function expectDone(changes: readonly Change[]): Promise<void> {
  for (const { target, after } of changes) expect(isSame(await read(target), after), target).toBe(true);
}

async function expectWholeOrNothing(changes: readonly Change[]): Promise<void> {
  for (const { target, before, after } of changes) {
    const served = await read(target);
    expect(isSame(served, before) || isSame(served, after), `${target} is served in part`).toBe(true);
  }
}

/** The answer to a request under which the host failed. */
function expectExplained({ answer }: Refused, struck: Struck): void {
  // The session of the request before is still held: the fault was in giving it back, after its client had hung up.
  if (answer.status === 409) {
    expect(struck.name).toBe('saveUpload');
    return;
  }
  expect([500, 503, 507], answer.text).toContain(answer.status);
  const [{ code, message }] = answer.json().errors;
  expect([code, message]).toEqual(['UNKNOWN', expect.stringMatching(/\.$/)]);
  expect(answer.text).not.toContain('made by a test');
  expect(answer.status === 503).toBe(answer.headers['retry-after'] !== undefined);
  const causes: unknown[] = [];
  for (let cause: unknown = opened.faults.at(-1); cause instanceof Error; cause = cause.cause) causes.push(cause);
  expect(causes, `onError was not told of ${struck.error.message}`).toContain(struck.error);
}

/** Attempts the act, which may be refused for the time of a lease where it was taken, or could not be given back, without anybody knowing. */
async function attemptAgain(act: Act, { name, isDone }: Struck): Promise<void> {
  try {
    await act.attempt(request);
  } catch (error) {
    const isLeft = name === 'saveUpload' || (name === 'leaseUpload' && isDone);
    if (!isLeft || !(error instanceof Refused) || error.answer.status !== 409) throw error;
    nowMs += leaseMs;
    await act.attempt(request);
  }
}

/** One act under one fault; false when the act ended before the fault came. */
async function strike(act: Act, plan: FaultPlan): Promise<boolean> {
  faults.arm(plan);
  const refused = await act.attempt(request).then(
    () => undefined,
    (error: unknown) => error,
  );
  const struck = faults.disarm();
  expect(failing.openCount(), `files stay open after ${struck?.name}`).toBe(0);
  if (struck === undefined) {
    expect(refused).toBeUndefined();
    return false;
  }
  if (refused !== undefined) {
    if (!(refused instanceof Refused)) throw refused;
    expectExplained(refused, struck);
    await expectWholeOrNothing(act.changes);
    // A flush is never tried again: what the disk holds is unknown until the process starts anew.
    if (struck.name === 'datasync' || struck.name === 'sync') restart();
    await attemptAgain(act, struck);
  }
  await expectDone(act.changes);
  return true;
}

/** Everything stays through a new start and a sweep, and nothing that nobody names. */
async function expectKept(changes: readonly Change[]): Promise<void> {
  nowMs += 2 * dayMs;
  restart();
  await opened.registry.sweep();
  for (const { target, after } of changes.filter(({ target }) => !target.includes('/uploads/'))) {
    expect(isSame(await read(target), after), target).toBe(true);
  }
  const keys = await listKeys(blobs);
  expect([...(await metadata.findKnownKeys(keys))].sort()).toEqual(keys.sort());
  expect(await metadata.expireUploads({ usedBeforeMs: nowMs, nowMs, limit: 10_000 })).toEqual([]);
}

const plans: readonly Omit<FaultPlan, 'at'>[] = [
  { code: 'EIO', moment: 'before' },
  { code: 'ENOSPC', moment: 'before' },
  { code: 'EMFILE', moment: 'before' },
  { code: 'EIO', moment: 'after' },
];

describe.each(plans)('$code $moment a call of the storage', (plan) => {
  test.each(Object.entries(acts))(
    'under %s: nothing acknowledged is lost, and the next try succeeds',
    async (_, make) => {
      await opened.registry.ready();
      const changes: Change[] = [];
      let strikes = 0;
      for (let at = 1; at < maximumCalls; at += 1) {
        const act = await make(request, `acme/at-${at}`);
        changes.push(...act.changes);
        if (!(await strike(act, { ...plan, at }))) break;
        strikes += 1;
      }
      expect(strikes).toBeGreaterThan(0);
      expect(strikes).toBeLessThan(maximumCalls - 1);
      await expectKept(changes);
    },
  );

  test('under a sweep: it throws or tells what it did, and the next one takes the rest', async () => {
    await opened.registry.ready();
    const make = acts['a large blob in one request'];
    const kept = (await make?.(request, 'acme/kept')) ?? { changes: [], attempt: async () => undefined };
    await kept.attempt(request);
    let isDone = false;
    for (let at = 1; at < maximumCalls && !isDone; at += 1) {
      const location = String((await request('POST', '/v2/acme/web/blobs/uploads/')).headers['location']);
      await request('PATCH', location, { body: new Uint8Array(20_000) });
      nowMs += 2 * dayMs;
      faults.arm({ ...plan, at });
      const swept = await opened.registry.sweep().then(
        () => undefined,
        (error: unknown) => error,
      );
      const struck = faults.disarm();
      isDone = struck === undefined;
      if (struck?.name !== 'close') expect(swept).toBe(struck?.error);
      expect(failing.openCount()).toBe(0);
      await expectDone(kept.changes);
      nowMs += leaseMs;
      await opened.registry.sweep();
      expect(await listKeys(blobs), `after ${struck?.name}`).toHaveLength(1);
    }
    expect(isDone).toBe(true);
    await expectKept(kept.changes);
  });

  test('under the opening of the store: it says so, and opens at the next request', async () => {
    for (let at = 1; at < maximumCalls; at += 1) {
      rmSync(directory, { recursive: true, force: true });
      restart();
      faults.arm({ ...plan, at });
      const refused = await opened.registry.ready().then(
        () => undefined,
        (error: unknown) => error,
      );
      const struck = faults.disarm();
      expect(failing.openCount()).toBe(0);
      if (struck === undefined) return;
      expect(refused, struck.name).toBeInstanceOf(Error);
      if (struck.name === 'sync') restart();
      await opened.registry.ready();
    }
    throw new Error('Opening has no end.');
  });
});
