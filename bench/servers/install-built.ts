import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** The packages that a server consists of, by name. */
export const packageFolders = { '@moorage/registry': 'packages/registry', moorage: 'packages/server' } as const;
const published = ['package.json', 'bin', 'dist'];

/** Builds the packages of a work tree and lays them out in `directory` as a user's install has them, without sources: with those there, the command would run them. Returns the script of the command. */
export function installBuilt(workTree: string, directory: string): string {
  const compiler = join(workTree, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-b', ...Object.values(packageFolders)], { cwd: workTree, stdio: 'pipe' });
  const modules = join(directory, 'node_modules');
  for (const [name, folder] of Object.entries(packageFolders)) {
    for (const entry of published) {
      const from = join(workTree, folder, entry);
      if (existsSync(from)) cpSync(from, join(modules, name, entry), { recursive: true });
    }
  }
  linkDependencies(workTree, (name) => join(modules, name));
  for (const [name, folder] of Object.entries(packageFolders)) linkOwn(workTree, folder, join(modules, name));
  return join(modules, 'moorage/bin/moorage.js');
}

/** Links every installed dependency of `workTree` to where `toPath` says, but for the workspace's own packages. */
export function linkDependencies(workTree: string, toPath: (name: string) => string): void {
  const installed = join(workTree, 'node_modules');
  for (const name of readdirSync(installed)) {
    if (name === 'moorage' || name === '@moorage') continue;
    symlinkSync(join(installed, name), toPath(name));
  }
}

/** Links the dependencies that a package of the workspace has for itself alone. */
export function linkOwn(workTree: string, folder: string, to: string): void {
  const own = join(workTree, folder, 'node_modules');
  if (existsSync(own) && existsSync(to)) symlinkSync(own, join(to, 'node_modules'));
}
