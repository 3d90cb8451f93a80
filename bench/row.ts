import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { mib } from './content.ts';
import type { Fill } from './fills/fill.ts';
import type { Outcome } from './load/job.ts';
import type { Server, StartOptions, Target } from './target.ts';

/** What a row counts. Of throughput more is better; of what has no `/s`, time and memory, less. */
export type Unit = 'MiB/s' | 'requests/s' | 'blobs/s' | 'images/s' | 'lists/s' | 'ms' | 'MiB';

/** Work that every registry is measured at. */
export interface WorkRow {
  /** As the file. */
  readonly name: string;
  readonly unit: Exclude<Unit, 'ms' | 'MiB'>;
  /** What is in the store before the server starts, where requests would take too long to put it there. */
  readonly fill?: Fill;
  /** Who works, and what their token must be good for. */
  readonly start?: StartOptions;
  /** Puts into a registry what `run` needs. Rejects with `NotMeasured` where it cannot do the work at all. */
  setup(target: Target): Promise<void>;
  /** Works for about `seconds` and tells what was done; round 0 is the one that does not count. Rejects on any answer but the right one. */
  run(target: Target, seconds: number, round: number): Promise<Outcome>;
}

/** Something read off a server that `measure` starts, in every round anew, on an empty directory, and ends. */
export interface GaugeRow {
  readonly name: string;
  readonly unit: 'ms' | 'MiB';
  measure(server: Server, directory: string): Promise<number>;
}

/** One thing that every registry is measured at; each file of `rows/` exports one as `row`. */
export type Row = WorkRow | GaugeRow;

/** One measured run of a row. */
export interface Sample {
  /** In the row's unit. */
  readonly value: number;
  readonly work?: {
    /** How many MiB, or how many of what the row counts. */
    readonly amount: number;
    /** The server's; undefined where its process is not known. */
    readonly cpuSeconds: number | undefined;
    /** The share of one core that the client used: near 1, the client is what was measured. */
    readonly clientShare: number;
  };
}

/** Why a server is left out of a row: it lacks what the row works with, or cannot be brought to where the row begins. */
export class NotMeasured extends Error {}

/** Every row of `rows/`, by file name. */
export async function loadRows(): Promise<Row[]> {
  const directory = join(import.meta.dirname, 'rows');
  const files = readdirSync(directory).filter((file) => file.endsWith('.ts'));
  return Promise.all(
    files.sort(new Intl.Collator('en', { numeric: true }).compare).map(async (file) => {
      const { row }: { row: Row } = await import(join(directory, file));
      if (file !== `${row.name}.ts`) throw new Error(`bench/rows/${file} exports a row named ${row.name}.`);
      return row;
    }),
  );
}

/** Turns what was done into the unit of the row. */
export function toSample(unit: Unit, outcome: Outcome, cpuSeconds: number | undefined): Sample {
  const amount = unit === 'MiB/s' ? outcome.bytes / mib : outcome.steps;
  const clientShare = outcome.clientCpuSeconds / outcome.elapsedSeconds;
  return { value: amount / outcome.elapsedSeconds, work: { amount, cpuSeconds, clientShare } };
}
