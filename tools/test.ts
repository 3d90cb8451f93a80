/** `npm test`: every check and every test that needs no other server. Prints what each found, and last `N passed, N failed`.
 *  `--only types,lint` runs some; what a check printed is shown when it fails. */
import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const report = join(root, 'node_modules/.cache/vitest-report.json');

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly output: string;
}

const vitest = ['vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];

/** A check by its name: the script in node_modules that makes it, and its arguments. */
const checks: Readonly<Record<string, readonly string[]>> = {
  types: ['typescript/bin/tsc', '-b'],
  lint: ['@biomejs/biome/bin/biome', 'check', '.'],
  rooms: [
    'dependency-cruiser/bin/dependency-cruise.mjs',
    '--config',
    'tools/rooms.config.cjs',
    'packages/registry/src',
    'packages/server/src',
  ],
  docs: ['../tools/docs.ts', '--check'],
  unused: ['knip/bin/knip.js', '--no-progress'],
  'unused-in-production': ['knip/bin/knip.js', '--no-progress', '--production', '--strict'],
  tests: vitest,
};
/** Checks that run when they are named, since they need other programs. */
const others: Readonly<Record<string, readonly string[]>> = {
  'behind-nginx': [...vitest, '--root', root, '--config', 'conformance/nginx/vitest.config.ts'],
};

const option = process.argv.indexOf('--only');
const wanted = option < 0 ? Object.keys(checks) : (process.argv[option + 1] ?? '').split(',');
const unknown = wanted.filter((name) => !(name in checks || name in others));
if (unknown.length > 0) {
  console.error(
    `There is no check ${unknown.join(', ')}: choose from ${Object.keys({ ...checks, ...others }).join(', ')}.`,
  );
  process.exit(2);
}

await rm(report, { force: true });
// Two at a time suits small machines; the types come first, since the tests take longest and all else is quick.
const queue = [...wanted];
const outcomes: Outcome[] = [];
await Promise.all([work(), work()]);
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);

async function work(): Promise<void> {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const startedMs = performance.now();
    const outcome = await runCheck(name);
    outcomes.push(outcome);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    console.log(
      `${outcome.failed === 0 ? 'ok  ' : 'FAIL'} ${name}: ${outcome.passed} passed, ${outcome.failed} failed (${seconds} s)`,
    );
    if (outcome.failed > 0) console.log(outcome.output);
  }
}

async function runCheck(name: string): Promise<Outcome> {
  const [script = '', ...args] = checks[name] ?? others[name] ?? [];
  const { output, code } = await run([join(root, 'node_modules', script), ...args]);
  return script === vitest[0]
    ? countTests(output, code)
    : { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, output };
}

async function countTests(output: string, code: number): Promise<Outcome> {
  const counts = JSON.parse(await readFile(report, 'utf8').catch(() => '{}'));
  const { numPassedTests: passed = 0, numFailedTests = 0, numPendingTests = 0, numTodoTests = 0 } = counts;
  // A file that cannot be loaded fails no test of its own; a test that was left out without running is no success.
  const failed = numFailedTests + numPendingTests + numTodoTests;
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, output };
}

function run(args: readonly string[]): Promise<{ output: string; code: number }> {
  const { promise, resolve } = Promise.withResolvers<{ output: string; code: number }>();
  const child = spawn(process.execPath, ['--conditions=moorage-source', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
    });
  }
  child.on('error', (error) => resolve({ output: String(error), code: 1 }));
  child.on('close', (code) => resolve({ output, code: code ?? 1 }));
  return promise;
}
