import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Outcome } from './load/job.ts';
import { type GaugeRow, NotMeasured, type Row, type Sample, toSample, type Unit, type WorkRow } from './row.ts';
import type { RunningServer, Server, Target } from './target.ts';
import { readUsage } from './usage.ts';

/** All runs of one row against one server, and the server's memory at their end. */
export interface Result {
  readonly row: string;
  readonly unit: Unit;
  readonly server: string;
  /** Empty where it was not measured. */
  readonly samples: readonly Sample[];
  readonly residentMib?: number | undefined;
  readonly peakMib?: number | undefined;
  /** Why there are no samples. */
  readonly notMeasured?: string;
}

/** How much is measured, and where the servers keep their files meanwhile. */
export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly directory: string;
}

const run = promisify(execFile);

/**
 * Measures a row on servers that start empty, or with what the row fills in, in rounds that take them in turn (A B C A B C …), so that a machine that slows down slows all of them.
 * Work is warmed up by one run that does not count. The files are gone afterwards.
 */
export async function measureRow(row: Row, servers: readonly Server[], plan: Plan): Promise<Result[]> {
  const directory = join(plan.directory, row.name);
  try {
    if ('measure' in row) return await readGauge(row, servers, { ...plan, directory });
    return await measureWork(row, servers, { ...plan, directory });
  } catch (error) {
    throw new Error(`${row.name}: ${error instanceof Error ? error.message : error}`, { cause: error });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function measureWork(row: WorkRow, servers: readonly Server[], { rounds, seconds, directory }: Plan) {
  const running: { readonly target: RunningServer; readonly samples: Sample[] }[] = [];
  const left: Result[] = [];
  try {
    for (const [index, server] of servers.entries()) {
      const started = await startFor(row, server, join(directory, String(index)));
      if (typeof started === 'string') left.push(notMeasured(row, server, started));
      else running.push({ target: started, samples: [] });
    }
    for (const { target } of running) await row.run(target, Math.min(1, seconds), 0);
    for (let round = 1; round <= rounds; round += 1) {
      for (const { target, samples } of running) {
        samples.push(await sample(target, row.unit, () => row.run(target, seconds, round)));
      }
    }
    const measured = running.map(({ target, samples }) => ({
      row: row.name,
      unit: row.unit,
      server: target.name,
      samples,
      ...memoryOf(target),
    }));
    return [...measured, ...left];
  } finally {
    for (const { target } of running) await target.stop();
  }
}

/** The server, ready for the work; or why it cannot do it. Moorage can do all of it: what it lacks is a fault. */
async function startFor(row: WorkRow, server: Server, directory: string): Promise<RunningServer | string> {
  await mkdir(directory, { recursive: true });
  if (server.fill === undefined && row.fill !== undefined) return 'not seeded: by requests it would take too long';
  if (row.fill !== undefined) await server.fill?.(directory, row.fill);
  const target = await server.start(directory, row.start);
  try {
    await row.setup(target);
    return target;
  } catch (error) {
    await target.stop();
    if (error instanceof NotMeasured && server.fill === undefined) return error.message;
    throw error;
  }
}

async function readGauge(row: GaugeRow, servers: readonly Server[], { rounds, directory }: Plan): Promise<Result[]> {
  const results = servers.map((server) => ({ server, samples: [] as Sample[] }));
  for (let round = 1; round <= rounds; round += 1) {
    for (const { server, samples } of results) {
      if (server.isGiven) continue;
      const own = join(directory, `${server.name}-${round}`);
      await mkdir(own, { recursive: true });
      samples.push({ value: await row.measure(server, own) });
    }
  }
  return results.map(({ server, samples }) => {
    if (server.isGiven) return notMeasured(row, server, 'somebody else started it');
    return { row: row.name, unit: row.unit, server: server.name, samples };
  });
}

async function sample(target: Target, unit: Unit, work: () => Promise<Outcome>): Promise<Sample> {
  // What one server left to be written must not be written while the next one is measured.
  await run('sync');
  const before = readUsage(target.pid);
  const outcome = await work();
  const after = readUsage(target.pid);
  return toSample(unit, outcome, before && after && after.cpuSeconds - before.cpuSeconds);
}

function memoryOf({ pid }: Target): Pick<Result, 'residentMib' | 'peakMib'> {
  const usage = readUsage(pid);
  return { residentMib: usage?.residentMib, peakMib: usage?.peakMib };
}

function notMeasured({ name: row, unit }: Row, { name: server }: Server, why: string): Result {
  return { row, unit, server, samples: [], notMeasured: why };
}
