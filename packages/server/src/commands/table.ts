/** Rows under their headings, in columns two spaces apart; `empty` stands alone where there is no row. Characters that could move the cursor of a terminal become `?`. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  empty: string,
): readonly string[] {
  if (rows.length === 0) return [empty];
  return align([headings.map((heading) => heading.toUpperCase()), ...rows]);
}

/** Rows in columns two spaces apart. */
export function align(rows: readonly (readonly string[])[]): readonly string[] {
  const clean = rows.map((row) => row.map((cell) => cell.replace(/\p{C}/gu, '?')));
  const widths = clean.reduce<number[]>((max, row) => row.map((cell, i) => Math.max(cell.length, max[i] ?? 0)), []);
  return clean.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** A time in ms since 1970 for people: UTC, to the second. */
export function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** A time in ms since 1970 for programs. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** `1 token`, `2 tokens`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
