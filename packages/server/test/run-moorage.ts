import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const bin = fileURLToPath(new URL('../bin/moorage.js', import.meta.url));

/** Where Node keeps sources whose types it has stripped, by their content: a start takes half the time. */
const compileCache = fileURLToPath(new URL('../../../node_modules/.cache/node-compile', import.meta.url));

/** A process of the real command. Its end is waited for when the test is over. */
export interface Run {
  readonly process: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves once stdout and stderr together match; rejects when the process ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves with the exit code once the process has ended. */
  readonly ended: Promise<number | null>;
}

/** How the command is started. */
export interface RunOptions {
  /** On top of this process's own, without settings and what npm adds. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly bin?: string;
  readonly cwd?: string;
  /** Text on stdin. By default there is nothing. */
  readonly stdin?: string;
  /** Flags of Node. By default those under which the command runs in this very process and starts no other. */
  readonly nodeFlags?: readonly string[];
}

/** Starts `moorage` with `words`. */
export function runMoorage(words: readonly string[], options: RunOptions = {}): Run {
  const nodeFlags = options.nodeFlags ?? ['--conditions=moorage-source'];
  const inherited = Object.entries(process.env).filter(([name]) => !/^(MOORAGE_|INIT_CWD|NODE_OPTIONS)/.test(name));
  const child = spawn(process.execPath, [...nodeFlags, options.bin ?? bin, ...words], {
    cwd: options.cwd,
    env: { ...Object.fromEntries(inherited), NODE_COMPILE_CACHE: compileCache, ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined).end(options.stdin); // a command need not read it
  const output = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  // A test that ran out of time may come here after its end, when nothing waits for it any more.
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  void ended.then(() => process.off('exit', kill));
  return {
    process: child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    ended,
    said(pattern) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(output.stdout + output.stderr);
          if (match !== null) resolve(match);
        };
        listeners.add(look);
        look();
        void ended.then(() => reject(new Error(`Never said ${pattern}:\n${output.stdout}${output.stderr}`)));
      });
    },
  };
}

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-serve-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A server that is ready. */
export type StartedServer = Run & { readonly url: string; readonly data: string };

/** Starts `moorage serve --open` on a free port; resolves once it is ready. */
export function startServer(
  words: readonly string[] = [],
  data: string = temporaryDirectory(),
): Promise<StartedServer> {
  return startServerWithLogin(['--open', ...words], data);
}

/** Starts `moorage serve` on a free port; resolves once it is ready. */
export async function startServerWithLogin(
  words: readonly string[] = [],
  data: string = temporaryDirectory(),
): Promise<StartedServer> {
  const run = runMoorage(['serve', '--listen', '127.0.0.1:0', '--data', data, ...words]);
  const [, url = ''] = await run.said(/address {2}(http:\/\/127\.0\.0\.1:\d+)/);
  return { ...run, url, data };
}

/** What a command said and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Types `moorage` and `line`, words with spaces between, on a data directory, and waits for the end. */
export async function typeMoorage(data: string, line: string, stdin?: string): Promise<Ended> {
  const run = runMoorage([...line.split(' '), '--data', data], stdin === undefined ? {} : { stdin });
  const code = await run.ended;
  return { code, stdout: run.stdout(), stderr: run.stderr() };
}

/** The same with `--json`; the document that it prints. */
export async function typeForJson(data: string, line: string, stdin?: string): Promise<unknown> {
  const { code, stdout, stderr } = await typeMoorage(data, `${line} --json`, stdin);
  if (code !== 0) throw new Error(`moorage ${line} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}
