/** What a check tells: facts worth a line, and what is wrong. It has passed when nothing is. */
export interface Findings {
  readonly notes?: readonly string[];
  readonly faults: readonly string[];
}

/** A check, and what people call it. */
export interface Check {
  readonly name: string;
  run(): Findings | Promise<Findings>;
}

/** Runs checks one after another, prints what each found, and last `N passed, N failed`. A check that throws has failed. Returns how many did. */
export async function runChecks(checks: readonly Check[], print: (line: string) => void): Promise<number> {
  let failed = 0;
  for (const { name, run } of checks) {
    const { notes = [], faults } = await findingsOf(run);
    if (faults.length > 0) failed += 1;
    print(`${faults.length === 0 ? 'ok  ' : 'FAIL'} ${name}`);
    for (const line of [...notes, ...faults]) print(`     ${line.replaceAll('\n', '\n     ')}`);
  }
  print(`${checks.length - failed} passed, ${failed} failed`);
  return failed;
}

async function findingsOf(run: Check['run']): Promise<Findings> {
  try {
    return await run();
  } catch (error) {
    return { faults: [error instanceof Error ? error.message : String(error)] };
  }
}

/** A fault where `value` is over `limit`. The limits stand in limits.json: raising one is a decision, never a by-product. */
export function overLimit(what: string, value: number, limit: number | undefined): readonly string[] {
  if (limit === undefined) return [`${what}: ${value}, and tools/package/limits.json has no limit for it.`];
  return value <= limit ? [] : [`${what}: ${value}, and the limit in tools/package/limits.json is ${limit}.`];
}
