#!/usr/bin/env node
// The `moorage` command, in plain JavaScript that any Node from 18 on can read. As a package it runs dist/. In the repository it runs
// src/ on the Node that the repository pins, which it starts when it runs on another one.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const pinned = path('../../../node_modules/.bin/node');
const inRepository = existsSync(path('../src/main.ts'));

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
  const child = spawn(node, ['--conditions=moorage-source', fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

async function run(main) {
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
