import { isUtf8 } from 'node:buffer';
import type { Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ExitError } from '../../exit-error.ts';
import { isPrintable } from './entry-name.ts';
import { linkState, refuse } from './stable-file.ts';

/** A file, directory or link of a tree. */
export type TreeEntry = {
  /** Below the tree's root, with `/` between the parts. */
  readonly path: string;
  /** Where it lies on this machine. */
  readonly file: string;
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly state: Stats;
};

/**
 * What lies below `root`, each directory before what is in it and its names in the order of their bytes. Holds one directory's names a level, not the tree.
 * Refuses with an `ExitError` what no archive can hold, such as sockets and devices. `skip` leaves an entry out, with all that is below it.
 */
export async function* walkTree(
  root: string,
  skip: (entry: TreeEntry) => boolean = () => false,
): AsyncGenerator<TreeEntry> {
  yield* walk(root, '', skip);
}

async function* walk(
  directory: string,
  prefix: string,
  skip: (entry: TreeEntry) => boolean,
): AsyncGenerator<TreeEntry> {
  // As bytes: a name that is no UTF-8 would come out as another name.
  const names = await readdir(directory, { encoding: 'buffer' }).catch((error: unknown) => refuse(directory, error));
  for (const bytes of names.sort(Buffer.compare)) {
    const name = bytes.toString();
    if (!isUtf8(bytes) || !isPrintable(name)) {
      throw new ExitError(`${directory} holds ${JSON.stringify(name)}: rename it, others could not read such a name.`);
    }
    const file = join(directory, name);
    const state = await linkState(file);
    const entry = { path: `${prefix}${name}`, file, kind: kindOf(file, state), state };
    if (skip(entry)) continue;
    yield entry;
    if (entry.kind === 'directory') yield* walk(file, `${entry.path}/`, skip);
  }
}

function kindOf(file: string, state: Stats): TreeEntry['kind'] {
  if (state.isFile()) return 'file';
  if (state.isDirectory()) return 'directory';
  if (state.isSymbolicLink()) return 'symlink';
  const kind = state.isSocket() ? 'socket' : state.isFIFO() ? 'pipe' : 'device';
  throw new ExitError(`${file} is a ${kind}, which has no content to push: remove it.`);
}
