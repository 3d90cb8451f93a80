import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

/** Builds the packages of a work tree and lays the command in `directory`, where no sources are beside it: with those there, it would run them. Returns its path. Throws what the compiler says. */
export function installBuilt(workTree: string, directory: string): string {
  const compiler = join(workTree, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-b', 'packages/registry', 'packages/server'], {
    cwd: workTree,
    stdio: ['ignore', 2, 2],
  });
  const server = join(workTree, 'packages/server');
  mkdirSync(directory, { recursive: true });
  for (const name of ['bin', 'package.json']) cpSync(join(server, name), join(directory, name), { recursive: true });
  symlinkSync(join(server, 'dist'), join(directory, 'dist'));
  return join(directory, 'bin/moorage.js');
}
