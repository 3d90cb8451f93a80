import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../tools/free-port.ts';
import { runCommand, tryCommand } from '../run-command.ts';
import { toolPath } from '../tools.ts';
import type { Home, Running } from './scenario.ts';

const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));
/** A first start may install packages and build. */
const readyTimeoutMs = 300_000;
const drainTimeoutMs = 30_000;

/** An example, and what its runner does with it. */
export type Started = Running & {
  /** All that the example printed. */
  readonly log: () => string;
  stop(): Promise<void>;
};

/** Starts an example by its one command, with its data and its clients' homes below `directory`. Resolves when its root page answers; throws with its output when it ends before. */
export async function startExample(name: string, directory: string): Promise<Started> {
  const port = await findFreePort();
  const host = `127.0.0.1:${port}`;
  const url = `http://${host}`;
  const env = { PORT: String(port), DATA: join(directory, 'data') };
  const homes = new Map<string, Promise<Home>>();
  let log = '';
  const onOutput = (text: string) => {
    log += text;
  };
  const run = () => launch(name, { env, url, onOutput });
  let stop = await run().catch((error: Error) => {
    throw new Error(`${error.message} It printed:\n${log}`);
  });
  return {
    host,
    url,
    log: () => log,
    home(owner) {
      const home = homes.get(owner) ?? openHome(join(directory, `home-${owner}`), host);
      homes.set(owner, home);
      return home;
    },
    async restart() {
      await stop();
      stop = await run();
    },
    stop: () => stop(),
  };
}

type Launch = {
  readonly env: Readonly<Record<string, string>>;
  readonly url: string;
  onOutput(text: string): void;
};

/** Returns what ends the example. */
async function launch(name: string, { env, url, onOutput }: Launch): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, ['tools/run.js', 'tools/example.ts', name], {
    cwd: repositoryRoot,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', onOutput);
  const exited = once(child, 'exit');
  const end = () => child.kill();
  process.once('exit', end);
  const stop = async () => {
    process.off('exit', end);
    end();
    const inTime = await Promise.race([exited, delay(drainTimeoutMs, undefined, { ref: false })]);
    if (inTime === undefined) throw new Error(`The example ${name} did not end within ${drainTimeoutMs / 1000} s.`);
  };
  const deadline = performance.now() + readyTimeoutMs;
  while (child.exitCode === null && performance.now() < deadline) {
    const answer = await fetch(url, { headers: { Connection: 'close' }, redirect: 'manual' }).catch(() => undefined); // refused: it does not listen yet
    await answer?.arrayBuffer();
    if (answer !== undefined && answer.status < 500) return stop;
    await delay(50);
  }
  if (child.exitCode === null) await stop();
  throw new Error(`The example ${name} did not answer at ${url}.`);
}

/** A home in which crane and regctl speak plain HTTP to the host. */
export async function openHome(directory: string, host: string): Promise<Home> {
  const regctl = JSON.stringify({ hosts: { [host]: { tls: 'disabled' } } });
  await mkdir(join(directory, '.regctl'), { recursive: true });
  await writeFile(join(directory, '.regctl/config.json'), regctl);
  const env = { PATH: toolPath, LC_ALL: 'C.UTF-8', HOME: directory, TMPDIR: directory, XDG_RUNTIME_DIR: directory };
  return {
    directory,
    run: (command, args, options) => runCommand(command, args, { cwd: directory, env, ...options }),
    async runRefused(command, args, options) {
      const { exitCode, transcript } = await tryCommand(command, args, { cwd: directory, env, ...options });
      if (exitCode === 0) throw new Error(`It was let through:\n${transcript}`);
      return transcript;
    },
  };
}
