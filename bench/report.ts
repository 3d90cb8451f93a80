import { statfsSync } from 'node:fs';
import { arch, cpus, release, type } from 'node:os';
import type { Flushes } from './flushes.ts';
import type { Result } from './measure.ts';

/** The middle value, or the mean of the two in the middle. Throws on an empty list. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  if (low === undefined || high === undefined) throw new RangeError('No median of nothing.');
  return (low + high) / 2;
}

/** The median throughput of a row divided by that of `base` in the same run; undefined where `base` was not measured. */
export function ratioTo(base: string, result: Result, results: readonly Result[]): number | undefined {
  const other = results.find(({ row, server }) => row === result.row && server === base);
  return other && throughput(result) / throughput(other);
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

/** A table as text with aligned columns, or as markdown. The first line is its head. */
export function formatTable(lines: readonly string[][], markdown: boolean): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
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

function throughput({ samples }: Result): number {
  return median(samples.map(({ perSecond }) => perSecond));
}

function resultLine(result: Result, ratio: number | undefined): string[] {
  const values = result.samples.map(({ perSecond }) => perSecond);
  const clientShare = median(result.samples.map((sample) => sample.clientShare));
  return [
    result.row,
    result.server,
    figure(throughput(result)),
    `${figure(Math.min(...values))}–${figure(Math.max(...values))}`,
    result.unit,
    ratio === undefined ? '–' : ratio.toFixed(2),
    ...cpuCells(result),
    `${Math.round(clientShare * 100)}%`,
    figure(result.residentMib),
    figure(result.peakMib),
  ];
}

function cpuCells({ unit, samples }: Result): [string, string] {
  const [per, amountEach] = unit === 'MiB/s' ? ['GiB', 1024] : ['1,000', 1000];
  const costs = samples.flatMap(({ cpuSeconds, amount }) =>
    cpuSeconds === undefined ? [] : [(cpuSeconds / amount) * amountEach],
  );
  return [costs.length === 0 ? '–' : median(costs).toPrecision(2), per];
}

function figure(value: number | undefined): string {
  if (value === undefined) return '–';
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
}
