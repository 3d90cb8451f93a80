import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { mib } from './content.ts';
import type { Outcome } from './load/work.ts';
import type { Target } from './target.ts';

/** What a row counts. Every row is a throughput: more is better. */
export type Unit = 'MiB/s' | 'requests/s' | 'blobs/s';

/** One kind of work that every registry is measured at; each file of `rows/` exports one as `row`. */
export interface Row {
  /** As the file; the key in floors.json. */
  readonly name: string;
  readonly unit: Unit;
  /** Puts into an empty registry what `run` needs. */
  setup(target: Target): Promise<void>;
  /** Works for about `seconds` and tells what was done. Rejects on any answer but the right one. */
  run(target: Target, seconds: number): Promise<Outcome>;
}

/** One measured run of a row. `cpuSeconds` are the server's; undefined where its process is not known. */
export interface Sample {
  readonly perSecond: number;
  readonly amount: number;
  readonly cpuSeconds: number | undefined;
  /** The share of one core that the client used: near 1, the client is what was measured. */
  readonly clientShare: number;
}

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
  return {
    perSecond: amount / outcome.elapsedSeconds,
    amount,
    cpuSeconds,
    clientShare: outcome.clientCpuSeconds / outcome.elapsedSeconds,
  };
}
