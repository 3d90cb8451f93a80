// Cuts the power under the server, and kills it, at random moments: `node tools/run.js conformance/power/power.ts [--cuts N] [--kills N] [--seed S]`.
// Needs Linux and a C compiler. What it proves, and what it does not: docs/reliability.md.
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CutResult, cutAndCheck, type Recording, record } from './cuts.ts';
import { killOften } from './kills.ts';
import { type Breakage, breakages, buildShim } from './record.ts';

const cutsPerRecording = 50;
const killsPerDirectory = 25;
/** One cut in so many starts the real server; the others open the same stores in this process, a tenth of the time. */
const cutsPerServer = 20;
/** Cuts after which a broken program must have been found out; about half of them show it. */
const cutsPerBreakage = 40;
const shownFaults = 5;

const { values: options } = parseArgs({
  options: {
    cuts: { type: 'string', default: '40' },
    kills: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const [cuts, kills, seed] = [Number(options.cuts), Number(options.kills), Number(options.seed)];
// The disk is the replayer's; what is under it may be memory, which is fastest.
const directory = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'moorage-power-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
// A broken program's missing files are warned of; the faults say more.
process.removeAllListeners('warning');
const total = { passed: 0, failed: 0 };
const startedMs = performance.now();

function note(name: string, faults: readonly string[], details: string): void {
  total[faults.length === 0 ? 'passed' : 'failed'] += 1;
  if (details !== '') console.log(`${faults.length === 0 ? 'ok    ' : 'FAILED'} ${name}: ${details}`);
  else if (faults.length > 0) console.log(`FAILED ${name}`);
  for (const fault of faults.slice(0, shownFaults)) console.log(`         ${fault}`);
  if (faults.length > shownFaults) console.log(`         … and ${faults.length - shownFaults} more`);
}

/** Cuts a recording at `count` moments, two at a time. */
async function cutOften(recording: Recording, count: number, firstSeed: number): Promise<readonly CutResult[]> {
  const results: CutResult[] = [];
  let next = 0;
  async function work(): Promise<void> {
    while (next < count) {
      const number = next;
      next += 1;
      const inProcess = number % cutsPerServer !== cutsPerServer - 1;
      results.push(await cutAndCheck(recording, { directory, seed: firstSeed + number, inProcess }));
    }
  }
  await Promise.all([work(), work()]);
  return results;
}

async function tryCuts(shim: string): Promise<void> {
  for (let done = 0; done < cuts; done += cutsPerRecording) {
    const recording = await record({ shim, directory, seed: seed + done });
    const { entries, answeredAt, world, fault } = recording;
    const details = `${entries.length} entries, ${answeredAt.size} answers, ${world.ledger.cells().length} things to check`;
    note(`recording ${seed + done}`, fault === undefined ? [] : [fault], details);
    const results = await cutOften(recording, Math.min(cutsPerRecording, cuts - done), seed + done);
    for (const { about, faults } of results) note(about, faults, '');
  }
}

/** A program that breaks the promise is found out. */
async function tryBreakage(shim: string, breakage: Breakage): Promise<void> {
  const recording = await record({ shim, directory, seed, breakage });
  for (let tried = 1; tried <= cutsPerBreakage; tried += 1) {
    const { about, faults } = await cutAndCheck(recording, { directory, seed: seed + tried, inProcess: true });
    if (faults.length === 0) continue;
    return note(`broken on purpose: ${breakage}`, [], `found out by cut ${tried}: ${faults[0]} (${about})`);
  }
  note(`broken on purpose: ${breakage}`, [`${cutsPerBreakage} cuts did not show it`], '');
}

async function tryKills(): Promise<void> {
  for (let done = 0; done < kills; done += killsPerDirectory) {
    const count = Math.min(killsPerDirectory, kills - done);
    const { faults, inStart, resumed, swept, cells } = await killOften({ directory, seed: seed + done, kills: count });
    const details = `${inStart} of them in the start; ${cells} things checked; ${resumed} uploads went on, ${swept} leftovers swept`;
    note(`${count} kills, seed ${seed + done}`, faults, details);
  }
}

/** What could not even be carried out has failed. */
async function attempt(name: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    note(name, [error instanceof Error ? (error.stack ?? error.message) : String(error)], '');
  }
}

console.log(`seed ${seed}`);
const shim = await buildShim(directory);
await attempt('cuts', () => tryCuts(shim));
for (const breakage of breakages) await attempt(breakage, () => tryBreakage(shim, breakage));
await attempt('kills', tryKills);
console.log(`${cuts} cuts and ${kills} kills in ${Math.round((performance.now() - startedMs) / 1000)} s`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);
