import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Reads floors.json: for each row, the least ratio of Moorage's median to distribution's that the short form accepts. */
export function readFloors(): ReadonlyMap<string, number> {
  const floors: Record<string, number> = JSON.parse(readFileSync(join(import.meta.dirname, 'floors.json'), 'utf8'));
  return new Map(Object.entries(floors));
}

/** Prints a line for each ratio and "N passed, N failed" last; returns whether all passed. A row without a floor fails. */
export function judge(ratios: ReadonlyMap<string, number | undefined>, floors: ReadonlyMap<string, number>): boolean {
  let failed = 0;
  for (const [row, ratio] of ratios) {
    const floor = floors.get(row);
    const passed = ratio !== undefined && floor !== undefined && ratio >= floor;
    if (!passed) failed += 1;
    console.log(
      `${passed ? 'ok    ' : 'FAILED'} ${row}: ${ratio?.toFixed(2) ?? 'no'} × distribution, floor ${floor ?? 'missing in bench/floors.json'}`,
    );
  }
  console.log(`${ratios.size - failed} passed, ${failed} failed`);
  return failed === 0 && ratios.size > 0;
}
