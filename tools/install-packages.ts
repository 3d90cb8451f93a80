// The packages of folders that have a lock file of their own: examples, and hosts of the conformance runs.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Installs what the lock file of a folder names, unless it is there. Where the folder has a copy of the library, that is built first, and installed again when it has changed. Prints to stderr alone;
 *  throws when npm or the compiler fails. */
export function installPackages(directory: string): void {
  const hasCopy = copiesLibrary(directory);
  if (hasCopy) run(process.execPath, ['node_modules/typescript/bin/tsc', '-b', 'packages/registry'], root);
  const wantedMs = Math.max(
    modifiedMs(join(directory, 'package-lock.json')),
    hasCopy ? modifiedMs(join(root, 'packages/registry/dist/.tsbuildinfo')) : 0,
  );
  if (wantedMs <= modifiedMs(join(directory, 'node_modules/.package-lock.json'))) return;
  console.error('Installing packages …');
  run('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], directory);
}

/** Whether a folder has its own copy of this repository's library, as it would be published, and no link to the sources (`install-links` in its .npmrc). */
export function copiesLibrary(directory: string): boolean {
  const lock = join(directory, 'package-lock.json');
  if (!existsSync(lock)) return false;
  const library = JSON.parse(readFileSync(lock, 'utf8')).packages['node_modules/@moorage/registry'];
  return library !== undefined && library.link !== true;
}

function modifiedMs(file: string): number {
  return existsSync(file) ? statSync(file).mtimeMs : 0;
}

function run(program: string, args: readonly string[], directory: string): void {
  const { status, error } = spawnSync(program, args, { cwd: directory, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw error ?? new Error(`${[program, ...args].join(' ')} failed in ${directory}.`);
}
