import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../tools/free-port.ts';
import { type Command, type HostName, hostCommand, hostsDirectory } from './hosts/hosts.ts';
import { runCommand } from './run-command.ts';

const repositoryRoot = fileURLToPath(new URL('..', import.meta.url));
const readyTimeoutMs = 60_000;
const drainTimeoutMs = 30_000;
const shownLogLines = 15;

/** A registry that answers. */
export type RunningServer = {
  /** Address and port, as a client writes them before the repository. */
  readonly host: string;
  /** `http://` and the host. */
  readonly url: string;
  /** The first errors and the last lines of the server's log; of a server that was started by others, nothing. */
  lastLog(): Promise<string>;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
};

/** Moorage itself. */
export type TestServer = RunningServer & {
  /** Runs a `moorage` command on the server's data, while it runs; returns what it printed. */
  moorage(args: readonly string[], input?: string): Promise<string>;
};

/** A server that was started here. */
export type StartedServer = RunningServer & {
  /** The process that was started, which may have started others. */
  readonly pid: number;
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
  const place = await openPlace();
  const command = ['tools/run.js', 'packages/server/bin/moorage.js'];
  const moorage = async (args: readonly string[], input = '') => {
    const all = [...command, ...args, '--data', place.data];
    return (await runCommand(process.execPath, all, { cwd: repositoryRoot, input })).stdout;
  };
  for (const user of accounts) await moorage(['user', 'add', user, '--password-stdin'], passwordOf(user));
  const access = accounts.length === 0 ? ['--open'] : [];
  const listen = ['--listen', `127.0.0.1:${place.port}`, '--data', place.data];
  const server = await launch(place, {
    command: [process.execPath, ...command, 'serve', ...access, ...listen],
    directory: repositoryRoot,
    env: settings,
    readyPath: '/readyz',
  });
  return { ...server, moorage };
}

/** Starts an application that embeds the library, likewise. */
export async function startHost(host: HostName): Promise<StartedServer> {
  const place = await openPlace();
  return launch(place, {
    command: hostCommand(host, place.port),
    directory: hostsDirectory,
    env: { PORT: String(place.port), DATA: place.data },
    readyPath: '/v2/',
  });
}

/** Where a server runs: a free port and a directory of its own. */
type Place = { readonly directory: string; readonly data: string; readonly port: number };

async function openPlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'moorage-conformance-'));
  return { directory, data: join(directory, 'data'), port: await findFreePort() };
}

type Launch = {
  readonly command: Command;
  /** Where the command runs. */
  readonly directory: string;
  /** Beside this process's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Answers 200 when the server is ready. */
  readonly readyPath: string;
};

async function launch(place: Place, { command, directory, env, readyPath }: Launch): Promise<StartedServer> {
  const logFile = join(place.directory, 'server.log');
  const log = await open(logFile, 'w');
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd: directory,
    env: { ...process.env, ...env },
    stdio: ['ignore', log.fd, log.fd],
    detached: true, // a process group of its own: Node, the pinned Node and the server end together
  });
  const exited = once(child, 'exit');
  await log.close();
  const stopWatching = onProcessEnd(() => {
    child.kill();
    rmSync(place.directory, { recursive: true, force: true });
  });
  const lastLog = async () => summarizeLog(await readFile(logFile, 'utf8'));
  const stop = async () => {
    stopWatching();
    child.kill();
    const inTime = await Promise.race([exited, delay(drainTimeoutMs, undefined, { ref: false })]);
    if (inTime === undefined && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await rm(place.directory, { recursive: true, force: true });
  };
  const host = `127.0.0.1:${place.port}`;
  const url = `http://${host}`;
  const ready = await waitUntilReady(`${url}${readyPath}`, () => child.exitCode !== null);
  if (ready && child.pid !== undefined) return { host, url, pid: child.pid, lastLog, stop };
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
    const response = await fetch(url, { headers: { Connection: 'close' } }).catch(() => undefined); // refused: it does not listen yet
    await response?.arrayBuffer();
    if (response?.status === 200) return true;
    await delay(50);
  }
  return false;
}
