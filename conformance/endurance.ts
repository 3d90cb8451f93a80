// Large transfers and hostile clients through every adapter, with memory and open files watched: `node tools/run.js conformance/endurance.ts`.
// --host NAME takes one host; --short is for a change under way: a tenth of everything.

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createContent, MIB } from './endurance/content.ts';
import { type HostileClient, hangUp, stopReading, trickle } from './endurance/hostile-clients.ts';
import { type Figures, peakDuring, readFigures } from './endurance/process-figures.ts';
import { ask, pull, pushInChunks, pushUnmeasured, pushWhole, takeOver } from './endurance/transfers.ts';
import { type HostName, hostNames, prepareHosts } from './hosts/hosts.ts';
import { type StartedServer, startHost } from './server.ts';

/** Above the memory of the idle host, in bytes. */
const limits = {
  /** While a content of any size goes through. */
  transfer: 192 * MIB,
  /** While 50 clients hold answers or pushes. */
  clients: 384 * MIB,
  /** After they have gone: 64 KiB for each of 1,000 would be as much. */
  left: 62 * MIB,
};
const clientsAtOnce = 50;
/** Of the same clients, where the memory of a host grows to its size slowly. */
const maximumRounds = 4;
const settleTimeoutMs = 5_000;
const settleMs = 100;

const { values: options } = parseArgs({ options: { host: { type: 'string' }, short: { type: 'boolean' } } });
const chosen = hostNames.filter((host) => options.host === undefined || options.host === host);
if (chosen.length === 0) throw new Error(`There is no host ${options.host}: ${hostNames.join(', ')}.`);
const clientCount = options.short ? 100 : 1000;
const large = createContent(options.short ? 128 : 1024);
const medium = createContent(64);
const small = createContent(1);

const inMib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;
const seconds = (sinceMs: number) => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
let passed = 0;
let failed = 0;

function check(holds: boolean, claim: string): void {
  if (holds) passed += 1;
  else failed += 1;
  console.log(`${holds ? 'ok    ' : 'FAILED'} ${claim}`);
}

/** Runs the clients, so many at once, and returns the sessions that they leave. */
async function sendClients(client: HostileClient): Promise<readonly string[]> {
  const numbers = Array.from({ length: clientCount }, (_, i) => i);
  return (await inBatches(numbers, client)).filter((session) => session !== undefined);
}

/** Throws when a session is held. Returns how many bytes all had kept. */
async function takeOverAll(sessions: readonly string[]): Promise<number> {
  return (await inBatches(sessions, takeOver)).reduce((sum, size) => sum + size, 0);
}

async function inBatches<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let first = 0; first < items.length; first += clientsAtOnce) {
    results.push(...(await Promise.all(items.slice(first, first + clientsAtOnce).map(work))));
  }
  return results;
}

/** The figures once files and memory are back where they were, or after a time without that. Small requests go on, since a garbage collector wants to be kept busy. */
async function settle(url: string, pid: number, idle: Figures): Promise<Figures> {
  const deadline = performance.now() + settleTimeoutMs;
  const isBack = ({ openFiles, residentBytes }: Figures) =>
    openFiles <= idle.openFiles && residentBytes - idle.residentBytes <= limits.left;
  let figures = await readFigures(pid);
  while (!isBack(figures) && performance.now() < deadline) {
    for (let i = 0; i < clientsAtOnce; i += 1) await ask('GET', `${url}/v2/`, { status: 200 });
    await delay(settleMs);
    figures = await readFigures(pid);
  }
  return figures;
}

async function testHost(host: HostName, { url, pid }: StartedServer): Promise<void> {
  const repository = `${url}/v2/endurance/${host}`;
  await pushWhole(repository, small);
  await pull(repository, small);
  await pushWhole(repository, medium);
  const idle = await readFigures(pid);
  console.log(`${host}: idle at ${inMib(idle.residentBytes)} with ${idle.openFiles} open files`);

  const transfers = {
    'pushed by PUT': pushWhole,
    'pushed by PATCHes': pushInChunks,
    'pushed by one PATCH': pushUnmeasured,
    pulled: pull,
  };
  for (const [name, transfer] of Object.entries(transfers)) {
    const startedMs = performance.now();
    const peak = await peakDuring(pid, () => transfer(repository, large));
    const growth = peak - idle.residentBytes;
    check(
      growth <= limits.transfer,
      `${host}: ${inMib(large.sizeBytes)} ${name} in ${seconds(startedMs)}, memory + ${inMib(growth)}`,
    );
  }

  const kinds = {
    'stopped reading': stopReading(`${repository}/blobs/${medium.digest}`),
    'hung up': hangUp(repository),
    'sent byte by byte': trickle(repository),
  };
  for (const [name, client] of Object.entries(kinds))
    await testClients(`${host}: ${clientCount} clients ${name}`, { client, url, pid, idle });
  await pull(repository, large);
  check(true, `${host}: still serves`);
}

type ClientTest = {
  readonly client: HostileClient;
  readonly url: string;
  readonly pid: number;
  readonly idle: Figures;
};

async function testClients(name: string, { client, url, pid, idle }: ClientTest): Promise<void> {
  const startedMs = performance.now();
  const sessions: string[] = [];
  const left: number[] = [];
  let peak = 0;
  let after = idle;
  do {
    const send = async () => sessions.push(...(await sendClients(client)));
    peak = Math.max(peak, await peakDuring(pid, send));
    after = await settle(url, pid, idle);
    left.push(after.residentBytes - idle.residentBytes);
  } while (grows(left) && left.length < maximumRounds);
  const growth = peak - idle.residentBytes;
  check(growth <= limits.clients, `${name} in ${seconds(startedMs)}, memory + ${inMib(growth)}`);
  check(!grows(left), `${name}: afterwards memory + ${left.map(inMib).join(', then + ')}`);
  check(after.openFiles <= idle.openFiles, `${name}: afterwards ${after.openFiles} open files`);
  if (sessions.length === 0) return;
  const keptBytes = await takeOverAll(sessions);
  check(keptBytes > 0, `${name}: their ${sessions.length} sessions were free, with ${inMib(keptBytes)} kept`);
}

/** Whether memory is above the limit after the last round of clients, and that round is what added to it: a heap that has grown to its size stays there, a leak goes on. */
function grows(left: readonly number[]): boolean {
  const [last = 0, before = 0] = left.toReversed();
  return last > limits.left && last - before > limits.left / 2;
}

await prepareHosts(chosen);
for (const host of chosen) {
  const server = await startHost(host);
  try {
    await testHost(host, server);
  } catch (error) {
    check(false, `${host}: ${error}\nServer log ends with:\n${await server.lastLog()}`);
  } finally {
    await server.stop();
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
