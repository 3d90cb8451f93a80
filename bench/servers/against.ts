import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Server } from '../target.ts';
import { moorage } from './moorage.ts';

const packageFolders = { '@moorage/registry': 'packages/registry', moorage: 'packages/server' } as const;

/** The name under which a revision stands in a table. */
export const moorageNameAt = (revision: string): string => `moorage@${revision}`;

/**
 * Moorage as it was at `revision`, laid out in `directory` with the dependencies of `workTree`. Taken from `git archive` rather than a git worktree, so that a run that
 * is killed leaves nothing in the repository.
 */
export function moorageAt(workTree: string, revision: string, directory: string): Server {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: workTree, encoding: 'utf8', maxBuffer: 2 ** 20 }).trim();
  const commit = git('rev-parse', '--verify', '--short', `${revision}^{commit}`);
  const archive = join(directory, 'source.tar');
  const source = join(directory, 'source');
  mkdirSync(source, { recursive: true });
  git('archive', `--output=${archive}`, commit);
  execFileSync('tar', ['-xf', archive, '-C', source]);
  linkDependencies(workTree, source);
  if (
    readFileSync(join(workTree, 'package-lock.json'), 'utf8') !==
    readFileSync(join(source, 'package-lock.json'), 'utf8')
  ) {
    console.error(`${revision} had other dependencies: it runs with those of the work tree.`);
  }
  return moorage(source, join(directory, 'installed'), { name: moorageNameAt(revision), version: commit });
}

/** Links every dependency but the workspace's own packages, which must be those of the revision. */
function linkDependencies(workTree: string, source: string): void {
  const installed = join(workTree, 'node_modules');
  mkdirSync(join(source, 'node_modules/@moorage'), { recursive: true });
  for (const entry of readdirSync(installed)) {
    if (entry === 'moorage' || entry === '@moorage') continue;
    symlinkSync(join(installed, entry), join(source, 'node_modules', entry));
  }
  for (const [name, folder] of Object.entries(packageFolders)) {
    symlinkSync(join(source, folder), join(source, 'node_modules', name));
    const own = join(workTree, folder, 'node_modules');
    if (existsSync(own) && existsSync(join(source, folder))) symlinkSync(own, join(source, folder, 'node_modules'));
  }
}
