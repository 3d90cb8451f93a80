import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Reads floors.json: for each row, the least ratio of Moorage's median to distribution's that the short form accepts. */
export function readFloors(): ReadonlyMap<string, number> {
  const floors: Record<string, number> = JSON.parse(readFileSync(join(import.meta.dirname, 'floors.json'), 'utf8'));
  return new Map(Object.entries(floors));
}

/** Prints a line for each row and "N passed, N failed" last; returns whether all passed. A row of floors.json that there is not, or that was not measured, fails. */
export function judge(ratios: ReadonlyMap<string, number | undefined>, floors: ReadonlyMap<string, number>): boolean {
  let failed = 0;
  for (const [row, floor] of floors) {
    const ratio = ratios.get(row);
    const passed = ratio !== undefined && ratio >= floor;
    if (!passed) failed += 1;
    console.log(`${passed ? 'ok    ' : 'FAILED'} ${row}: ${ratio?.toFixed(2) ?? 'no'} × distribution, floor ${floor}`);
  }
  console.log(`${floors.size - failed} passed, ${failed} failed`);
  return failed === 0 && floors.size > 0;
}
