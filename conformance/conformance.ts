// Runs the OCI Distribution conformance suite against fresh servers: `npm run conformance`.
// --url URL tests a registry that runs already (a peer, to compare); --run NAME makes one of the runs only.
import { mkdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type HostName, hostNames, prepareHosts } from './hosts/hosts.ts';
import { tryCommand } from './run-command.ts';
import { passwordOf, type RunningServer, type ServerOptions, startHost, startServer, useServer } from './server.ts';
import { countFailed, type FailedTest, findUntried, parseCounts, parseFailedTests } from './suite-report.ts';
import { toolPath } from './tools.ts';

type Run = {
  readonly name: string;
  readonly suite: Readonly<Record<string, string>>;
  /** What Moorage is started with, or which host takes its place. */
  readonly server: ServerOptions | HostName;
  /** What this run leaves out on purpose, by its name in results.yaml. */
  readonly untried: readonly string[];
};
type OpenRun = Omit<Run, 'server'> & { readonly server: ServerOptions };

const tagParameters = ['Manifest put with tag params', 'Tag Param', 'Tag Param sha512'];
const sparse = 'Sparse Manifests';
const dev = { name: 'dev', suite: { OCI_VERSION: 'dev' }, server: {}, untried: [sparse] } as const;
const openRuns: readonly OpenRun[] = [
  {
    name: 'stable',
    suite: { OCI_VERSION: 'stable', OCI_API_BLOBS_UPLOAD_CANCEL: 'true' },
    server: {},
    untried: [sparse, ...tagParameters],
  },
  dev,
  {
    name: 'dev-sparse',
    suite: { OCI_VERSION: 'dev', OCI_DATA_SPARSE: 'true' },
    server: { settings: { MOORAGE_MANIFESTS_SPARSE: 'true' } },
    untried: [],
  },
];

/** The same on a server with accounts, by a user of it; and `dev` through each adapter, in an application that embeds the library. */
const user = 'conformance';
const runs: readonly Run[] = [
  ...openRuns,
  ...openRuns.map((run) => ({
    ...run,
    name: `${run.name}-login`,
    suite: { ...run.suite, OCI_USERNAME: user, OCI_PASSWORD: passwordOf(user) },
    server: { ...run.server, accounts: [user] },
  })),
  ...hostNames.map((host) => ({ ...dev, name: `dev-${host}`, server: host })),
];

const resultsDirectory = fileURLToPath(new URL('results', import.meta.url));
/** More would wait for each other. */
const parallelRuns = Math.max(2, availableParallelism());
const shownFailures = 20;
const shownCharacters = 4000;

type Outcome = { readonly passed: number; readonly failed: number; readonly report: string };

async function judge(run: Run, server: RunningServer): Promise<Outcome> {
  const directory = join(resultsDirectory, run.name);
  await mkdir(directory, { recursive: true });
  const result = await tryCommand('conformance', [], {
    cwd: directory,
    env: {
      PATH: toolPath,
      OCI_REGISTRY: server.host,
      OCI_TLS: 'disabled',
      OCI_REPO1: `conformance-${run.name}/repo1`,
      OCI_REPO2: `conformance-${run.name}/repo2`,
      OCI_RESULTS_DIR: directory,
      OCI_LOG: 'error',
      ...run.suite,
    },
    timeoutMs: 300_000,
  });
  const counts = parseCounts(result.stdout);
  const untried = findUntried(await readFile(join(directory, 'results.yaml'), 'utf8'), run.untried);
  const failedTests = parseFailedTests(await readFile(join(directory, 'junit.xml'), 'utf8'));
  const failed = countFailed(counts) + untried.length;
  const columns = Object.entries(counts).map(([status, count]) => `${status} ${count}`);
  const lines = [`${run.name.padEnd(16)} ${columns.join('  ')}  not tried ${untried.length}`];
  lines.push(...untried.map((name) => `  not tried: ${name}`), ...describeFailures(failedTests));
  if (failed > 0)
    lines.push(`Server log ends with:\n${await server.lastLog()}`, `Full report: ${join(directory, 'report.html')}`);
  return { passed: counts.Pass, failed, report: lines.join('\n') };
}

function describeFailures(tests: readonly FailedTest[]): string[] {
  const full = tests.slice(0, shownFailures).map(({ name, message, exchange }) => {
    const cut = exchange.length > shownCharacters ? `${exchange.slice(0, shownCharacters)}\n… (cut)` : exchange;
    return `\nFAILED ${name}\n${message}\n${cut}`;
  });
  return [...full, ...tests.slice(shownFailures).map(({ name }) => `FAILED ${name}`)];
}

function start(server: Run['server']): Promise<RunningServer> {
  return typeof server === 'string' ? startHost(server) : startServer(server);
}

async function perform(run: Run, url: string | undefined): Promise<Outcome> {
  try {
    const server = url === undefined ? await start(run.server) : useServer(url);
    try {
      return await judge(run, server);
    } finally {
      await server.stop();
    }
  } catch (error) {
    return { passed: 0, failed: 1, report: `${run.name.padEnd(16)} could not be run: ${error}` };
  }
}

async function work(): Promise<void> {
  for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
    const outcome = await perform(run, options.url);
    outcomes.push(outcome);
    console.log(outcome.report);
  }
}

const { values: options } = parseArgs({ options: { url: { type: 'string' }, run: { type: 'string' } } });
const chosen = runs.filter(({ name }) => options.run === undefined || options.run === name);
if (chosen.length === 0) throw new Error(`There is no run ${options.run}: ${runs.map(({ name }) => name).join(', ')}.`);
if (options.url === undefined)
  await prepareHosts(hostNames.filter((host) => chosen.some(({ server }) => server === host)));
const queue = [...chosen];
const outcomes: Outcome[] = [];
await Promise.all(Array.from({ length: parallelRuns }, work));
const total = (count: 'passed' | 'failed') => outcomes.reduce((sum, outcome) => sum + outcome[count], 0);
console.log(`${total('passed')} passed, ${total('failed')} failed`);
process.exitCode = total('failed') === 0 ? 0 : 1;
