// Measures Moorage beside other registries in one run: see README.md.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { judge, readFloors } from './floors.ts';
import { countFlushes, type Flushes, flushesUnknown } from './flushes.ts';
import { measureLimits } from './limits/limits.ts';
import { measureRow, type Result } from './measure.ts';
import { type Options, parseOptions, usage } from './options.ts';
import { drawPlot } from './plot.ts';
import { describeMachine, flushTable, formatTable, limitTable, ratioTo, resultTable } from './report.ts';
import { loadRows } from './row.ts';
import { moorageAt, moorageNameAt } from './servers/against.ts';
import { moorage, moorageName } from './servers/moorage.ts';
import { distribution, findPeer, givenPeer, peers } from './servers/peers.ts';
import type { Server } from './target.ts';

const workTree = dirname(import.meta.dirname);

try {
  process.exitCode = (await main(parseOptions(process.argv.slice(2)))) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof TypeError) console.error(usage);
  process.exitCode = 1;
}

/** Returns whether the figures are good enough; without --short they always are. */
async function main(options: Options): Promise<boolean> {
  if (options.plot) return plot(options.plot);
  const directory = temporaryDirectory();
  if (options.limits) return tellLimits(directory, options);
  const servers = chooseServers(options, directory);
  const floors = readFloors();
  const rows = (await loadRows()).filter(({ name }) => options.rows.test(name) && (!options.short || floors.has(name)));
  if (rows.length === 0 || servers.length === 0) throw new Error('No row or no server has that name.');
  console.error(
    `${rows.length} rows, ${options.rounds} rounds: ${servers.map(({ name, version }) => `${name} (${version})`).join(', ')}`,
  );

  const results: Result[] = [];
  for (const row of rows) {
    console.error(`  ${row.name} …`);
    results.push(...(await measureRow(row, servers, { ...options, directory })));
  }
  const flushes = options.short ? new Map<string, Flushes | undefined>() : await countAllFlushes(servers, directory);

  const base = options.against ? moorageNameAt(options.against) : options.tokens ? moorageName : distribution.name;
  const machine = describeMachine(directory);
  console.log(formatTable(resultTable(results, base), options.markdown));
  if (flushes.size > 0) console.log(`\n${formatTable(flushTable(flushes), options.markdown)}`);
  for (const { name, remark } of peers) {
    if (remark && servers.some((server) => server.name === name)) console.log(`\n${name} is ${remark}.`);
  }
  if (machine['storeInMemory'])
    console.log('\nThe stores were in memory (tmpfs): a flush cost nothing. Set TMPDIR to a folder on a disk.');
  const { rounds, seconds } = options;
  save({ machine, options: { rounds, seconds }, base, servers, results, flushes: Object.fromEntries(flushes) });
  if (!options.short) return true;
  const ofMoorage = results.filter(({ server }) => server === moorageName);
  return judge(new Map(ofMoorage.map((result) => [result.row, ratioTo(base, result, results)])), floors);
}

function plot(file: string): boolean {
  const { results, base }: { results: readonly Result[]; base: string } = JSON.parse(readFileSync(file, 'utf8'));
  const drawing = join(workTree, 'docs/performance.svg');
  writeFileSync(drawing, drawPlot(results, base));
  console.error(`Drawn: ${drawing}`);
  return true;
}

async function tellLimits(directory: string, { seconds, markdown }: Options): Promise<boolean> {
  const machine = describeMachine(directory);
  const limits = await measureLimits(directory, seconds);
  console.log(formatTable(limitTable(limits), markdown));
  save({ machine, options: { seconds }, limits });
  return true;
}

function chooseServers(options: Options, directory: string): Server[] {
  const own = moorage(workTree, join(directory, 'installed'));
  if (options.against) return [own, moorageAt(workTree, options.against, join(directory, 'against'))];
  if (options.tokens)
    return [
      own,
      moorage(workTree, join(directory, 'with-tokens'), { name: `${moorageName}+token`, hasAccounts: true }),
    ];
  const found = (options.short ? [distribution] : peers).flatMap((peer) => {
    const server = findPeer(peer, options);
    if (!server)
      console.error(
        `${peer.name} is left out: its program "${peer.program}" is not here. Get it: ${peer.getIt}${peer.module ? ', or --install' : ''}`,
      );
    return server ?? [];
  });
  return [own, ...found, ...options.peers.map(givenPeer)].filter(({ name }) => options.servers.test(name));
}

async function countAllFlushes(
  servers: readonly Server[],
  directory: string,
): Promise<Map<string, Flushes | undefined>> {
  const unknown = flushesUnknown();
  if (unknown) console.error(`Flushes are not counted: ${unknown}.`);
  const flushes = new Map<string, Flushes | undefined>();
  if (unknown) return flushes;
  for (const [index, server] of servers.entries()) {
    const serverDirectory = join(directory, 'flushes', String(index));
    mkdirSync(serverDirectory, { recursive: true });
    flushes.set(server.name, await countFlushes(server, serverDirectory));
  }
  return flushes;
}

/** Gone when this process ends, by an interrupt too. */
function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-bench-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
  return directory;
}

function save(document: Record<string, unknown>): void {
  const when = new Date().toISOString();
  const directory = join(import.meta.dirname, 'results');
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `${when.replaceAll(':', '-')}.json`);
  writeFileSync(file, `${JSON.stringify({ when, ...document }, undefined, 2)}\n`);
  console.error(`\nAll figures: ${file}`);
}
