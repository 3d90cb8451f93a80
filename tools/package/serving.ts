import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { snippetsOf } from '../docs/snippets.ts';
import type { Findings } from './findings.ts';
import { pushAndPull } from './push-and-pull.ts';
import { here, root } from './subpaths.ts';

/** How a program is handed to Node: `args` come before its code or its file. */
export interface Start {
  readonly node: string;
  readonly args: readonly string[];
  /** Whether the code follows `--eval`, or lies in a file. */
  readonly isInline: boolean;
}

/** The first lines of TypeScript in a document, which serve a registry at port 5000, made to take any free port. Throws where they do not. */
export function servingLines(file: string, markdown: string = readFileSync(join(root, file), 'utf8')): string {
  const code = snippetsOf(file, markdown).find(({ language }) => language === 'ts')?.code;
  const anyPort = code?.replace('.listen(5000,', '.listen(0,');
  if (anyPort === undefined || anyPort === code)
    throw new Error(`${file} does not begin with lines that listen at 5000.`);
  return anyPort;
}

/** The lines serve a push and a pull, end at SIGTERM, and print nothing that nobody expects. */
export async function checkServing(project: string, code: string, { node, args, isInline }: Start): Promise<Findings> {
  const program = join(project, 'serve.js');
  writeFileSync(program, code);
  const preload = ['--import', join(here, 'preload/listening.js')];
  const child = spawn(node, [...preload, ...args, ...(isInline ? ['--eval', code] : [program])], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    timeout: 60_000,
  });
  const exited = once(child, 'exit');
  const printed = Promise.all([outputOf(child, 'stdout'), outputOf(child, 'stderr')]);
  const [address] = await Promise.race([once(child, 'message'), exited]);
  const isListening = typeof address === 'object' && address !== null;
  const faults = isListening ? await pushAndPull(`http://127.0.0.1:${(address as AddressInfo).port}`) : [];
  child.kill('SIGTERM');
  const [exitCode, signal] = await exited;
  const [stdout, stderr] = await printed;
  // Lines that do not ask to be told of SIGTERM end by it, as every program.
  const isClean = code.includes("'SIGTERM'") ? exitCode === 0 : signal === 'SIGTERM';
  return {
    faults: [
      ...faults,
      ...(isListening && isClean ? [] : [`It ended with ${exitCode ?? signal}.`]),
      ...unexpectedOutput(stdout + stderr, args),
    ],
  };
}

function outputOf(child: ChildProcess, stream: 'stdout' | 'stderr'): Promise<string> {
  const readable = child[stream];
  return readable === null ? Promise.resolve('') : text(readable);
}

const sqliteWarning =
  /^\(node:\d+\) ExperimentalWarning: SQLite is an experimental feature.*\n\(Use `node --trace-warnings.*\n/m;

/** What a program printed, but for the one warning of Node 22 that its SQLite is experimental, unless that was switched off. */
export function unexpectedOutput(output: string, args: readonly string[]): readonly string[] {
  const isHidden = args.includes('--disable-warning=ExperimentalWarning');
  const rest = isHidden ? output : output.replace(sqliteWarning, '');
  return rest === '' ? [] : [`It printed:\n${rest.trimEnd()}`];
}
