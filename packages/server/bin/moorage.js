#!/usr/bin/env node
// The `moorage` command, in plain JavaScript that any Node from 18 on can read. As a package it runs dist/. In the repository it runs
// src/ on the Node that the repository pins, which it starts when it runs on another one. A server runs with heapFlags.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const pinned = path('../../../node_modules/.bin/node');
const inRepository = existsSync(path('../src/main.ts'));

/** V8's own sizes let the heap of a server grow far above what it uses: 230 MiB resident where these leave 130 (docs/decisions/019-memory.md). V8 takes the size of its
 *  young generation from the command line alone. */
const heapFlags = ['--max-semi-space-size=2', '--heap-growing-percent=30'];
const isServer = process.argv[2] === 'serve';

/** Of the C library's memory, each thread may else keep an arena of its own: 10 MiB with a day's loads. */
const serverEnvironment = () => ({ MALLOC_ARENA_MAX: '2', ...process.env });

/** Whether `version` is in a range of the form `^22.23 || ^24.15 || >=26`. */
function satisfies(version, range) {
  const [major, minor] = version.split('.').map(Number);
  return range.split('||').some((part) => {
    const [, sign, wantedMajor, wantedMinor = 0] = /^(\^|>=)(\d+)(?:\.(\d+))?$/.exec(part.trim());
    return major === Number(wantedMajor) ? minor >= Number(wantedMinor) : sign === '>=' && major > Number(wantedMajor);
  });
}

/** Starts this file on `node` with the condition under which imports lead to sources; ends as that process ends. */
function runOn(node) {
  const flags = [...(isServer ? heapFlags : []), '--conditions=moorage-source'];
  const env = isServer ? serverEnvironment() : process.env;
  const words = [...flags, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(node, words, { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

/** Whether this process is to become one with `heapFlags`: not where the system cannot do that, nor where somebody chose the size of the heap. */
function wantsHeapFlags() {
  const chosen = [...process.execArgv, process.env.NODE_OPTIONS].join(' ');
  return isServer && process.platform !== 'win32' && 'execve' in process && !/max.semi.space.size/.test(chosen);
}

async function run(main) {
  if (wantsHeapFlags()) {
    const { execPath, execArgv, argv } = process;
    const words = [execPath, ...execArgv, ...heapFlags, fileURLToPath(import.meta.url), ...argv.slice(2)];
    process.execve(execPath, words, serverEnvironment());
  }
  const { runCommand } = await import(main);
  await runCommand(process.argv.slice(2));
}

if (inRepository && existsSync(pinned) && realpathSync(pinned) !== realpathSync(process.execPath)) {
  runOn(pinned);
} else {
  const { engines } = JSON.parse(readFileSync(path('../package.json'), 'utf8'));
  if (!satisfies(process.versions.node, engines.node)) {
    console.error(
      `Moorage needs Node ${engines.node}; this is ${process.version}. Install a newer Node and try again.`,
    );
    process.exitCode = 1;
  } else if (!inRepository) {
    await run('../dist/main.js');
  } else if (import.meta.resolve('@moorage/registry').endsWith('.ts')) {
    await run('../src/main.ts');
  } else {
    runOn(process.execPath);
  }
}
