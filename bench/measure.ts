import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Row, type Sample, toSample, type Unit } from './row.ts';
import type { RunningServer, Server, Target } from './target.ts';
import { readUsage } from './usage.ts';

/** All runs of one row against one server, and the server's memory at their end. */
export interface Result {
  readonly row: string;
  readonly unit: Unit;
  readonly server: string;
  readonly samples: readonly Sample[];
  readonly residentMib: number | undefined;
  readonly peakMib: number | undefined;
}

/** How much is measured, and where the servers keep their files meanwhile. */
export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly directory: string;
}

const run = promisify(execFile);

/**
 * Measures a row on servers that start empty, in rounds that take them in turn (A B C A B C …), so that a machine that slows down slows all of them. Each is warmed up by one
 * run that does not count. Their files are gone afterwards.
 */
export async function measureRow(
  row: Row,
  servers: readonly Server[],
  { rounds, seconds, directory }: Plan,
): Promise<Result[]> {
  const running: { readonly target: RunningServer; readonly samples: Sample[] }[] = [];
  const rowDirectory = join(directory, row.name);
  try {
    for (const [index, server] of servers.entries()) {
      const serverDirectory = join(rowDirectory, String(index));
      await mkdir(serverDirectory, { recursive: true });
      running.push({ target: await server.start(serverDirectory), samples: [] });
    }
    for (const { target } of running) {
      await row.setup(target);
      await row.run(target, Math.min(1, seconds));
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const { target, samples } of running) samples.push(await sample(row, target, seconds));
    }
    return running.map(({ target, samples }) => {
      const usage = readUsage(target.pid);
      return {
        row: row.name,
        unit: row.unit,
        server: target.name,
        samples,
        residentMib: usage?.residentMib,
        peakMib: usage?.peakMib,
      };
    });
  } catch (error) {
    throw new Error(`${row.name}: ${error instanceof Error ? error.message : error}`, { cause: error });
  } finally {
    for (const { target } of running) await target.stop();
    await rm(rowDirectory, { recursive: true, force: true });
  }
}

async function sample(row: Row, target: Target, seconds: number): Promise<Sample> {
  // What one server left to be written must not be written while the next one is measured.
  await run('sync');
  const before = readUsage(target.pid);
  const outcome = await row.run(target, seconds);
  const after = readUsage(target.pid);
  return toSample(row.unit, outcome, before && after && after.cpuSeconds - before.cpuSeconds);
}
