import { lstat, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { ExitError } from '../../exit-error.ts';

export type MoveOptions = { readonly force: boolean };

/** Refuses with an `ExitError` if a file of `staged` would come to lie where something is. With `force` it may be a file, but never a link. */
export async function requireRoom(staged: string, target: string, { force }: MoveOptions): Promise<void> {
  for (const name of await readdir(staged)) {
    const [from, to] = [join(staged, name), join(target, name)];
    const [mine, theirs] = [await lstat(from), await find(to)];
    if (theirs === undefined) continue;
    if (mine.isDirectory() && theirs.isDirectory()) await requireRoom(from, to, { force });
    else if (mine.isDirectory()) throw inTheWay(to);
    else await requireFree(to, { force });
  }
}

/** Refuses with an `ExitError` a name for a file where something is. With `force` that may be a file. */
export async function requireFree(target: string, { force }: MoveOptions): Promise<void> {
  const state = await find(target);
  if (state === undefined || (force && state.isFile())) return;
  if (!state.isFile()) throw inTheWay(target);
  throw new ExitError(`${target} exists: remove it, or add --force to replace it.`);
}

function inTheWay(target: string): ExitError {
  return new ExitError(
    `${target} is in the way: remove it. Only files are replaced, and nothing is written through links.`,
  );
}

/**
 * Moves all that `staged` holds into `target`, on the same file system, after `requireRoom`: whole directories where there are none, and file by file into those
 * that exist. Returns what was moved, below `target`, directories with `/` at their end.
 */
export async function moveTree(staged: string, target: string): Promise<readonly string[]> {
  const moved: string[] = [];
  for (const name of (await readdir(staged)).sort()) {
    const [from, to] = [join(staged, name), join(target, name)];
    const directory = (await lstat(from)).isDirectory();
    if (directory && (await find(to))?.isDirectory() === true) {
      for (const inner of await moveTree(from, to)) moved.push(`${name}/${inner}`);
    } else {
      await rename(from, to);
      moved.push(directory ? `${name}/` : name);
    }
  }
  return moved;
}

async function find(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw error;
  }
}
