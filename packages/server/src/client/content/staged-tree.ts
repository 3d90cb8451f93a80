// Where an archive may write: below one directory and nowhere else. The invariant: every directory on the way to a name was seen, or made, as a real one, and
// nothing else changes the tree meanwhile; so no link that the archive brought is ever followed. `directories` holds what was seen, and loses what is removed.
import { chmod, lchown, lstat, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ExitError } from '../../exit-error.ts';

const ownDirectoryMode = 0o700;
const impliedDirectory: Ownership = { mode: 0o755, uid: 0, gid: 0 };

/** Owner and mode of an image's file or directory. */
export type Ownership = { readonly mode: number; readonly uid: number; readonly gid: number };

/** A directory that only its owner can enter, until what was put into it moves to its place. */
export type StagedTree = {
  readonly root: string;
  /** Whether it is an image's root file system: modes and times are the archive's, owners too for the superuser, and links may lead anywhere, as they do inside of the image. Else modes are the umask's and links stay below the first directory of their names. */
  readonly image: boolean;
  pathOf(parts: readonly string[]): string;
  /** The kind of what lies at the name, links not followed. */
  kindAt(parts: readonly string[]): Promise<'file' | 'directory' | 'other' | undefined>;
  /** Makes the directory and those above it where there are none. Refuses with an `ExitError` a way through anything else. */
  enter(parts: readonly string[]): Promise<void>;
  /** Removes what lies at the name, with all that is below it; nothing when nothing is there. */
  remove(parts: readonly string[]): Promise<void>;
  /** What directories become at last, by their names: until then their owner can write to them. */
  readonly directories: Map<string, Ownership>;
  /** What to throw about an entry: `why` goes on after "which". */
  refusal(parts: readonly string[], why: string): ExitError;
};

/** Begins a tree in `root`, which is empty and nobody else's. `place` names in sentences where the entries are from. */
export function createStagedTree(
  root: string,
  { place, image }: { readonly place: string; readonly image: boolean },
): StagedTree {
  const directories = new Map<string, Ownership>();
  const pathOf = (parts: readonly string[]) => join(root, ...parts);
  const refusal = (parts: readonly string[], why: string) =>
    new ExitError(`${place} has the entry ${JSON.stringify(parts.join('/'))}, which ${why}.`);

  async function kindAt(parts: readonly string[]) {
    const state = await lstat(pathOf(parts)).catch(ignoreMissing);
    return state && (state.isDirectory() ? 'directory' : state.isFile() ? 'file' : 'other');
  }

  return {
    root,
    image,
    directories,
    pathOf,
    kindAt,
    refusal,
    async enter(parts) {
      for (let depth = 1; depth <= parts.length; depth++) {
        const parent = parts.slice(0, depth);
        const name = parent.join('/');
        if (directories.has(name)) continue;
        const kind = await kindAt(parent);
        if (kind === undefined) await mkdir(pathOf(parent), image ? ownDirectoryMode : 0o777);
        else if (kind !== 'directory')
          throw refusal(parts, `leads through ${JSON.stringify(name)}, which is no directory`);
        directories.set(name, impliedDirectory);
      }
    },
    async remove(parts) {
      const kind = await kindAt(parts);
      if (kind === undefined) return;
      await rm(pathOf(parts), { recursive: kind === 'directory' });
      if (kind !== 'directory') return;
      const name = parts.join('/');
      for (const known of directories.keys()) {
        if (known === name || known.startsWith(`${name}/`)) directories.delete(known);
      }
    },
  };
}

/** Gives the directories of an image, which lie below `root` now, their modes, and their owners for the superuser: the deepest first, as one may become closed to everybody. */
export async function finishDirectories(root: string, directories: ReadonlyMap<string, Ownership>): Promise<void> {
  const owned = isSuperuser();
  const depthOf = (name: string) => name.split('/').length;
  for (const [name, { mode, uid, gid }] of [...directories].sort(([a], [b]) => depthOf(b) - depthOf(a))) {
    const path = join(root, name);
    if (owned) await lchown(path, uid, gid);
    await chmod(path, mode & permittedBits(owned));
  }
}

/** The bits that a file may get. Setuid without the owner that it was meant for would lend the rights of somebody else. */
export const permittedBits = (owned: boolean) => (owned ? 0o7777 : 0o1777);

/** Whether this process can give files to others. */
export const isSuperuser = () => process.getuid?.() === 0;

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return;
  throw error;
}
