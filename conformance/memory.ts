// The memory of the server under loads that a busy day brings: `node tools/run.js conformance/memory.ts`, Linux only.
// --sources takes the sources in place of the built packages, --only NAME one load, --threads N another number than two; --short is for CI.

import { parseArgs } from 'node:util';
import { createContent, MIB } from './endurance/content.ts';
import { peakDuring, readFigures } from './endurance/process-figures.ts';
import { pull, pushWhole } from './endurance/transfers.ts';
import { keepAsking, manifestOf, openConnection, pushConfig, readSlowly, sendSlowly } from './memory/clients.ts';
import { startMeasured } from './memory/server.ts';

const { values: options } = parseArgs({
  options: {
    sources: { type: 'boolean' },
    only: { type: 'string' },
    threads: { type: 'string', default: '2' },
    short: { type: 'boolean' },
  },
});
const threads = Number(options.threads);

/** Resident memory in bytes that no load may reach (docs/decisions/019-memory.md). */
const limits = {
  /** Of a server with one thread, and what each other one may add. */
  peak: (200 + 40 * (threads - 1)) * MIB,
  /** Of the second run of a load above its first: what grows from run to run is a leak. */
  growth: 32 * MIB,
};
/** Connections that are opened at the same time. */
const openedAtOnce = 100;

const sizes = options.short
  ? { largeMib: 512, slowClients: 200, slowMs: 4_000, idle: 2_000, pushes: 64, pushMib: 8, askMs: 3_000 }
  : { largeMib: 8192, slowClients: 200, slowMs: 30_000, idle: 5_000, pushes: 64, pushMib: 64, askMs: 20_000 };

const inMib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;
let passed = 0;
let failed = 0;

function check(holds: boolean, claim: string): void {
  if (holds) passed += 1;
  else failed += 1;
  console.log(`${holds ? 'ok    ' : 'FAILED'} ${claim}`);
}

type Load = () => Promise<unknown>;

/** Every load by its name, on a repository that has the manifest `latest`. */
function loadsOn(url: string, repository: string): Readonly<Record<string, Load>> {
  const manifestPath = (tag: string) => `${new URL(repository).pathname}/manifests/${tag}`;
  const getLatest = { method: 'GET', path: manifestPath('latest'), status: 200 };
  return {
    'GETs of a manifest by 16 clients': () =>
      keepAsking(url, { connections: 16, forMs: sizes.askMs }, (connection) => connection.ask(getLatest)),
    'PUTs of manifests by 32 clients': () =>
      keepAsking(url, { connections: 32, forMs: sizes.askMs }, (connection, turn) => {
        const tag = `t${turn}`;
        const body = manifestOf(`${tag} ${performance.now()}`);
        return connection.ask({ method: 'PUT', path: manifestPath(tag), body, status: 201 });
      }),
    [`one blob of ${sizes.largeMib} MiB in and out`]: async () => {
      const large = createContent(sizes.largeMib);
      await pushWhole(repository, large);
      await pull(repository, large);
    },
    [`${sizes.pushes} pushes of ${sizes.pushMib} MiB at once`]: async () => {
      const content = createContent(sizes.pushMib);
      await Promise.all(Array.from({ length: sizes.pushes }, () => pushWhole(repository, content)));
    },
    [`${sizes.slowClients} slow clients, half of them readers`]: async () => {
      const content = createContent(64);
      await pushWhole(repository, content);
      const blobUrl = `${repository}/blobs/${content.digest}`;
      const client = (_: unknown, number: number) =>
        number % 2 === 0 ? readSlowly(blobUrl, sizes.slowMs) : sendSlowly(repository, content, sizes.slowMs);
      await Promise.all(Array.from({ length: sizes.slowClients }, client));
    },
    [`${sizes.idle} idle connections`]: async () => {
      const openOne = async () => {
        const connection = await openConnection(url);
        await connection.ask(getLatest);
        return connection;
      };
      const open: Awaited<ReturnType<typeof openOne>>[] = [];
      while (open.length < sizes.idle) open.push(...(await Promise.all(Array.from({ length: openedAtOnce }, openOne))));
      for (const connection of open) await connection.ask(getLatest);
      for (const { socket } of open) socket.destroy();
    },
  };
}

const server = await startMeasured({ fromSources: options.sources === true, threads });
try {
  const repository = `${server.url}/v2/memory/test`;
  await pushConfig(repository);
  const first = await openConnection(server.url);
  const path = `${new URL(repository).pathname}/manifests/latest`;
  await first.ask({ method: 'PUT', path, body: manifestOf('latest'), status: 201 });
  first.socket.destroy();
  console.log(`idle at ${inMib((await readFigures(server.pid)).residentBytes)}`);
  for (const [name, load] of Object.entries(loadsOn(server.url, repository))) {
    if (options.only !== undefined && !name.includes(options.only)) continue;
    const startedMs = performance.now();
    const peak = await peakDuring(server.pid, load);
    const again = await peakDuring(server.pid, load);
    const duration = `${((performance.now() - startedMs) / 1000).toFixed(0)} s`;
    check(
      Math.max(peak, again) < limits.peak,
      `${name}: at most ${inMib(peak)}, again ${inMib(again)}, in ${duration}`,
    );
    check(again - peak <= limits.growth, `${name}: flat`);
  }
} catch (error) {
  check(false, String(error));
} finally {
  await server.stop();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
