import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../tools/free-port.ts';
import { type CommandOptions, type CommandResult, tryCommand } from '../run-command.ts';
import { toolPath } from '../tools.ts';

const bin = fileURLToPath(new URL('../../packages/server/bin/moorage.js', import.meta.url));
const patienceMs = 60_000;

/** One entry of a server's log. */
export type LogEntry = Readonly<Record<string, unknown>> & { readonly msg: string };

/** A program that runs. */
export type Running = {
  stdout(): string;
  stderr(): string;
  /** Resolves once `find` finds something; throws with what the program said when that takes a minute. */
  until<T>(find: () => T | undefined): Promise<T>;
  signal(signal: NodeJS.Signals): void;
  /** Ends it; calling it again does nothing. */
  stop(): Promise<void>;
};

/** A Moorage that runs. */
export type RunningMoorage = Running & {
  readonly port: number;
  /** As clients write it before the repository. */
  readonly host: string;
  readonly data: string;
  log(): readonly LogEntry[];
  /** Waits for an entry of the log whose message fits. */
  told(message: RegExp): Promise<LogEntry>;
};

/** Starts a program and collects what it says. It ends with this process, too. */
export function startProgram(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Running {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    async until(find) {
      for (const deadline = performance.now() + patienceMs; performance.now() < deadline; await delay(50)) {
        const found = find();
        if (found !== undefined) return found;
        if (child.exitCode !== null) break;
      }
      throw new Error(`It never came to that. What ${command} said:\n${said.stdout}${said.stderr}`);
    },
    signal: (signal) => child.kill(signal),
    async stop() {
      process.off('exit', kill);
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Starts `moorage serve --open` with `words` on a free port of the loopback; resolves once it is ready. */
export async function startMoorage(
  directory: string,
  words: readonly string[],
  { port, env = {} }: { readonly port?: number; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<RunningMoorage> {
  const data = join(directory, 'data');
  const listen = `127.0.0.1:${port ?? (await findFreePort())}`;
  const args = ['--conditions=moorage-source', bin, 'serve', '--open', '--listen', listen, '--data', data, ...words];
  const server = startProgram(process.execPath, args, { ...env, MOORAGE_LOG_FORMAT: undefined });
  await server.until(() => /^ {2}access /m.exec(server.stdout()) ?? undefined);
  const log = () =>
    server
      .stderr()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line): LogEntry => JSON.parse(line));
  const told = (message: RegExp) => server.until(() => log().find(({ msg }) => message.test(msg)));
  return { ...server, port: Number(listen.split(':')[1]), host: listen, data, log, told };
}

/** Clients with a home of their own, which trust nobody but whom the system does. */
export type Clients = {
  readonly home: string;
  try(command: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** As `try`, but throws with the transcript unless the command succeeds. */
  run(command: string, args: readonly string[]): Promise<CommandResult>;
  /** Throws with the transcript unless the command fails. */
  fail(command: string, args: readonly string[]): Promise<CommandResult>;
};

/** Makes such a home in `directory`, with an archive `layer.tar` and a chart `chart-0.1.0.tgz` in it to push. */
export async function createClients(directory: string): Promise<Clients> {
  const home = join(directory, 'home');
  const containers = join(home, '.config/containers');
  await mkdir(containers, { recursive: true });
  await writeFile(join(containers, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
  await writeFile(
    join(containers, 'storage.conf'),
    `[storage]\ndriver = "vfs"\ngraphroot = "${home}/graph"\nrunroot = "${home}/run"\n`,
  );
  const env = {
    PATH: toolPath,
    LC_ALL: 'C.UTF-8',
    HOME: home,
    TMPDIR: directory,
    XDG_RUNTIME_DIR: home,
    CONTAINERS_STORAGE_CONF: join(containers, 'storage.conf'),
  };
  const attempt: Clients['try'] = (command, args, options) =>
    tryCommand(command, args, { cwd: home, env, timeoutMs: patienceMs, ...options });
  const clients: Clients = {
    home,
    try: attempt,
    async run(command, args) {
      const result = await attempt(command, args);
      if (result.exitCode !== 0) throw new Error(result.transcript);
      return result;
    },
    async fail(command, args) {
      const result = await attempt(command, args);
      if (result.exitCode === 0) throw new Error(`This was to fail:\n${result.transcript}`);
      return result;
    },
  };
  await writeFile(join(home, 'hello.txt'), 'hello\n');
  await clients.run('tar', ['-cf', 'layer.tar', 'hello.txt']);
  await mkdir(join(home, 'chart'));
  await writeFile(join(home, 'chart/Chart.yaml'), 'apiVersion: v2\nname: chart\nversion: 0.1.0\n');
  await clients.run('helm', ['package', 'chart']);
  return clients;
}

/** A case of the run. */
export type Case = { readonly name: string; run(directory: string): Promise<void> };
