import { statfsSync } from 'node:fs';
import { arch, cpus, release, type } from 'node:os';
import type { Flushes } from './flushes.ts';
import type { Limit } from './limits/limits.ts';
import type { Result } from './measure.ts';
import type { Unit } from './row.ts';

/** The middle value, or the mean of the two in the middle. Throws on an empty list. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  if (low === undefined || high === undefined) throw new RangeError('No median of nothing.');
  return (low + high) / 2;
}

/** The median of a row divided by that of `base` in the same run; undefined where either was not measured. */
export function ratioTo(base: string, result: Result, results: readonly Result[]): number | undefined {
  const other = results.find(({ row, server }) => row === result.row && server === base);
  if (other === undefined || other.samples.length === 0 || result.samples.length === 0) return undefined;
  return middle(result) / middle(other);
}

/** The median of what was measured. */
export function middle({ samples }: Pick<Result, 'samples'>): number {
  return median(samples.map(({ value }) => value));
}

/** Whether less of it is better. */
export function isCost(unit: Unit): boolean {
  return !unit.endsWith('/s');
}

/** The table of all results, a line for each row and server. */
export function resultTable(results: readonly Result[], base: string): string[][] {
  const head = [
    'row',
    'server',
    'median',
    'min–max',
    'unit',
    `× ${base}`,
    'CPU s',
    'per',
    'client',
    'RSS MiB',
    'peak MiB',
  ];
  return [head, ...results.map((result) => resultLine(result, ratioTo(base, result, results)))];
}

/** The table of what was flushed before an answer, per server. */
export function flushTable(flushes: ReadonlyMap<string, Flushes | undefined>): string[][] {
  const line = (name: string, found: Flushes | undefined) => [
    name,
    found ? String(found.blobPush) : '–',
    found ? String(found.manifestPut) : '–',
  ];
  return [
    ['server', 'flushes in a blob push', 'in a manifest PUT'],
    ...[...flushes].map(([name, found]) => line(name, found)),
  ];
}

/** The table of what the machine can do. */
export function limitTable(limits: readonly Limit[]): string[][] {
  const line = ({ name, perSecond, unit, cpuSeconds }: Limit) => [
    name,
    figure(perSecond),
    unit,
    cpuSeconds === undefined ? '–' : `${cpuSeconds.toPrecision(2)} per ${unit === 'MiB/s' ? 'GiB' : '1,000'}`,
  ];
  return [['limit', 'rate', 'unit', 'CPU s'], ...limits.map(line)];
}

/** A table as text with aligned columns, or as markdown. The first line is its head. */
export function formatTable(lines: readonly string[][], markdown: boolean): string {
  const columns = lines[0]?.length ?? 0;
  // The last cell of a shorter line reaches over the columns that it lacks.
  const width = (line: readonly string[], column: number) =>
    line.length < columns && column === line.length - 1 ? 0 : (line[column]?.length ?? 0);
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => width(line, column))));
  const text = (line: readonly string[]) => widths.map((width, column) => (line[column] ?? '').padEnd(width));
  const rule = widths.map((width) => '-'.repeat(width));
  const [head = [], ...rest] = lines;
  const all = [text(head), rule, ...rest.map(text)];
  return all.map((cells) => (markdown ? `| ${cells.join(' | ')} |` : cells.join('  ').trimEnd())).join('\n');
}

/** The machine that the figures belong to: they mean nothing without it. */
export function describeMachine(directory: string): Record<string, string | number | boolean> {
  const tmpfsMagic = 0x01021994;
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    system: `${type()} ${release()} ${arch()}`,
    node: process.version,
    storeInMemory: statfsSync(directory).type === tmpfsMagic,
  };
}

function resultLine(result: Result, ratio: number | undefined): string[] {
  const { row, server, unit, samples, notMeasured } = result;
  if (samples.length === 0) return [row, server, `– (${notMeasured})`];
  const values = samples.map(({ value }) => value);
  return [
    row,
    server,
    figure(middle(result)),
    `${figure(Math.min(...values))}–${figure(Math.max(...values))}`,
    unit,
    ratio === undefined ? '–' : ratio.toFixed(2),
    ...workCells(result),
    figure(result.residentMib),
    figure(result.peakMib),
  ];
}

/** CPU seconds, for how much, and the client's share of a core. */
function workCells({ unit, samples }: Result): [string, string, string] {
  const work = samples.flatMap((sample) => sample.work ?? []);
  if (work.length === 0) return ['–', '–', '–'];
  const [per, amountEach] = unit === 'MiB/s' ? ['GiB', 1024] : ['1,000', 1000];
  const costs = work.flatMap(({ cpuSeconds, amount }) =>
    cpuSeconds === undefined ? [] : [(cpuSeconds / amount) * amountEach],
  );
  const clientShare = median(work.map((one) => one.clientShare));
  return [costs.length === 0 ? '–' : median(costs).toPrecision(2), per, `${Math.round(clientShare * 100)}%`];
}

function figure(value: number | undefined): string {
  if (value === undefined) return '–';
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
}
