import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runCommand } from './run-command.ts';

const repositoryRoot = fileURLToPath(new URL('..', import.meta.url));
const readyTimeoutMs = 60_000;
const drainTimeoutMs = 30_000;
const shownLogLines = 15;

export type TestServer = {
  /** Address and port, as a client writes them before the repository. */
  readonly host: string;
  /** `http://` and the host. */
  readonly url: string;
  /** The first errors and the last lines of the server's log; of a server that was started by others, nothing. */
  lastLog(): Promise<string>;
  /** Runs a `moorage` command on the server's data, while it runs; returns what it printed. */
  moorage(args: readonly string[], input?: string): Promise<string>;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
};

/** What a server is started with. */
export type ServerOptions = {
  /** Environment settings. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Users, each with `passwordOf` its name; none: everyone may do everything. */
  readonly accounts?: readonly string[];
};

/** The password of a test's user. */
export const passwordOf = (user: string): string => `${user}-secret`;

/** Starts Moorage with a fresh data directory on a free port of the loopback. Resolves when `/readyz` answers 200; throws with the log when the server ends or is not ready in 60 s. */
export async function startServer({ settings = {}, accounts = [] }: ServerOptions = {}): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'moorage-conformance-'));
  const host = `127.0.0.1:${await findFreePort()}`;
  const logFile = join(directory, 'server.log');
  const log = await open(logFile, 'w');
  const data = join(directory, 'data');
  const command = ['tools/run.js', 'packages/server/bin/moorage.js'];
  const moorage = async (args: readonly string[], input = '') => {
    const all = [...command, ...args, '--data', data];
    return (await runCommand(process.execPath, all, { cwd: repositoryRoot, input })).stdout;
  };
  for (const user of accounts) await moorage(['user', 'add', user, '--password-stdin'], passwordOf(user));
  const access = accounts.length === 0 ? ['--open'] : [];
  const child = spawn(process.execPath, [...command, 'serve', ...access, '--listen', host, '--data', data], {
    cwd: repositoryRoot,
    env: { ...process.env, ...settings },
    stdio: ['ignore', log.fd, log.fd],
    detached: true, // a process group of its own: Node, the pinned Node and the server end together
  });
  const exited = once(child, 'exit');
  await log.close();
  const stopWatching = onProcessEnd(() => {
    child.kill();
    rmSync(directory, { recursive: true, force: true });
  });
  const lastLog = async () => summarizeLog(await readFile(logFile, 'utf8'));
  const stop = async () => {
    stopWatching();
    child.kill();
    const inTime = await Promise.race([exited, delay(drainTimeoutMs, undefined, { ref: false })]);
    if (inTime === undefined && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await rm(directory, { recursive: true, force: true });
  };
  const url = `http://${host}`;
  const ready = await waitUntilReady(`${url}/readyz`, () => child.exitCode !== null);
  if (ready) return { host, url, lastLog, moorage, stop };
  const reason = await lastLog();
  await stop();
  throw new Error(`The server did not become ready at ${url}. Its log ends with:\n${reason}`);
}

/** A registry that others started, to compare: nothing of it is stopped or removed. */
export function useServer(url: string): TestServer {
  const moorage = () => Promise.reject(new Error('The data of a registry that others started cannot be reached.'));
  return { host: new URL(url).host, url, lastLog: async () => '', moorage, stop: async () => undefined };
}

/** The first errors, which are often the cause of all others, and the last lines. */
function summarizeLog(log: string): string {
  const lines = log.trimEnd().split('\n');
  const errors = lines.slice(0, -shownLogLines).filter((line) => line.includes('"level":"error"'));
  return [...errors.slice(0, 3), ...lines.slice(-shownLogLines)].join('\n');
}

/** Calls `end` when this process ends, by itself or by a signal; returns what undoes that. */
function onProcessEnd(end: () => void): () => void {
  const exit = () => process.exit(1);
  const events = [
    ['exit', end],
    ['SIGINT', exit],
    ['SIGTERM', exit],
  ] as const;
  for (const [event, listener] of events) process.on(event, listener);
  return () => {
    for (const [event, listener] of events) process.off(event, listener);
  };
}

async function waitUntilReady(url: string, hasEnded: () => boolean): Promise<boolean> {
  const deadline = performance.now() + readyTimeoutMs;
  while (!hasEnded() && performance.now() < deadline) {
    const response = await fetch(url).catch(() => undefined); // refused: it does not listen yet
    await response?.arrayBuffer();
    if (response?.status === 200) return true;
    await delay(50);
  }
  return false;
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('A listening socket has no port.');
  return address.port;
}
