// Reads the three things that the suite writes: counts on standard output, results.yaml, junit.xml (see the suite's results.go and run.go).

/** A test of the suite that did not pass, with the requests and answers that the suite saw. */
export type FailedTest = { readonly name: string; readonly message: string; readonly exchange: string };

const countedStatuses = ['Disabled', 'Skip', 'Pass', 'FAIL', 'Error'] as const;

export type SuiteCounts = Readonly<Record<(typeof countedStatuses)[number], number>>;

/** The counts that the suite prints last. Throws when one is missing: then the suite did not come to its end. */
export function parseCounts(stdout: string): SuiteCounts {
  const count = (status: string) => {
    const match = new RegExp(`^  ${status}\\.+: +(\\d+)$`, 'm').exec(stdout);
    if (match === null) throw new Error(`The suite printed no count of ${status}.`);
    return Number(match[1]);
  };
  return {
    Disabled: count('Disabled'),
    Skip: count('Skip'),
    Pass: count('Pass'),
    FAIL: count('FAIL'),
    Error: count('Error'),
  };
}

/** Tests that ran and did not pass, in the suite's own counts. */
export function countFailed(counts: SuiteCounts): number {
  return counts.FAIL + counts.Error + counts.Skip + counts.Disabled;
}

/** Names in results.yaml under `apis` and `data` that the suite never tried, but for those in `allowed`.
 *  Names that it tried and that failed are in the counts. */
export function findUntried(resultsYaml: string, allowed: readonly string[]): string[] {
  const sections = resultsYaml.split(/^(?=\S)/m).filter((section) => /^(apis|data):/.test(section));
  const entries = sections.flatMap((section) => [...section.matchAll(/^ {2}(\S.*): (\w+)$/gm)]);
  if (sections.length !== 2 || entries.length === 0) throw new Error('results.yaml has no list of apis and data.');
  return entries
    .filter(
      ([, name, status]) => !['Pass', 'Skip', 'FAIL', 'Error'].includes(status ?? '') && !allowed.includes(name ?? ''),
    )
    .map(([, name, status]) => `${name}: ${status}`);
}

/** The tests in junit.xml that did not pass. */
export function parseFailedTests(junitXml: string): FailedTest[] {
  const cases = junitXml.matchAll(/<testcase name="([^"]*)"[^>]* status="(\w+)">(.*?)<\/testcase>/gs);
  return [...cases]
    .filter(([, , status]) => status !== 'passed')
    .map(([, name = '', , body = '']) => ({
      name: decodeXml(name),
      message: readElement(body, 'system-out'),
      exchange: readElement(body, 'system-err'),
    }));
}

function readElement(xml: string, name: string): string {
  return decodeXml(new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(xml)?.[1] ?? '');
}

const namedEntities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decodeXml(text: string): string {
  return text.replace(/&(#?\w+);/g, (entity: string, code: string) => {
    if (code.startsWith('#x')) return String.fromCodePoint(Number.parseInt(code.slice(2), 16));
    if (code.startsWith('#')) return String.fromCodePoint(Number(code.slice(1)));
    return namedEntities[code] ?? entity;
  });
}
