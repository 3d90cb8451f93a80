import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { RunningServer } from '../target.ts';

/** How one server process is started and when it counts as ready. */
export interface Launch {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly port: number;
  readonly readyPath: string;
  /** Keeps the server's output, for the message when it does not start. */
  readonly logDirectory: string;
}

const host = '127.0.0.1';
const readyWithinMs = 30_000;
const pauseMs = 2;
const stopWithinMs = 10_000;

/** Starts a server and waits until it answers. It ends with this process at the latest. Rejects with the server's last words when it ends first or takes over 30 s. */
export async function launch(spec: Launch): Promise<RunningServer> {
  const logFile = join(spec.logDirectory, 'server.log');
  const log = openSync(logFile, 'a');
  const started = performance.now();
  const child = spawn(spec.command, spec.args, {
    cwd: spec.cwd,
    env: { ...process.env, ...spec.env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const kill = () => child.kill('SIGKILL');
  // Before the listener that removes the server's files.
  process.prependOnceListener('exit', kill);
  const exited = once(child, 'exit').finally(() => process.off('exit', kill));
  try {
    await Promise.race([answersAt(spec), exited.then(() => Promise.reject(new Error('it ended')))]);
  } catch (error) {
    kill();
    throw new Error(`${spec.name} did not start. Its last words:\n${readFileSync(logFile, 'utf8').slice(-2000)}`, {
      cause: error,
    });
  }
  const startMs = performance.now() - started;
  const { name, port } = spec;
  return { name, host, port, pid: child.pid ?? 0, startMs, stop: () => stop(child, exited) };
}

async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  const deadline = new AbortController();
  await Promise.race([
    exited,
    wait(stopWithinMs, undefined, { signal: deadline.signal }).then(() => child.kill('SIGKILL')),
  ]);
  await exited;
  deadline.abort();
}

async function answersAt({ port, readyPath }: Launch): Promise<void> {
  const deadline = performance.now() + readyWithinMs;
  while (performance.now() < deadline) {
    try {
      const response = await fetch(`http://${host}:${port}${readyPath}`);
      await response.arrayBuffer();
      if (response.ok) return;
    } catch {
      // Not listening yet.
    }
    await wait(pauseMs);
  }
  throw new Error(`it did not answer at ${readyPath} within ${readyWithinMs / 1000} s`);
}
