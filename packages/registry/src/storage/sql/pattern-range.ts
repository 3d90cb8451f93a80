import type { NamePattern } from '../access-records.ts';

/** Names as a range of text: `low` included, `high` not. */
export interface NameRange {
  readonly low: string;
  readonly high: string;
}

/** The names that a pattern means. No name has a character below `-` or above `z`, and `0` follows `/`. */
export function rangeOf(pattern: NamePattern | undefined): NameRange {
  if (pattern === undefined) return { low: '', high: '~' };
  return pattern.endsWith('/*')
    ? { low: pattern.slice(0, -1), high: `${pattern.slice(0, -2)}0` }
    : { low: pattern, high: `${pattern} ` };
}

/** Where a page of the range begins. One lower bound: with two, SQLite would begin each page at the first of the range. No name has a space. */
export function pageStart({ low }: NameRange, after: string | undefined): string {
  return after === undefined || after < low ? low : `${after} `;
}
