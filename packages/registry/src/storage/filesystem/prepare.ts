import { constants } from 'node:fs';
import { dirname } from 'node:path';
import { StorageError } from '../error.ts';
import { type Files, type Flushes, hostCode } from './host.ts';
import type { Layout } from './layout.ts';

/** The owner writes, the group may read (a backup, a web server that sends files), others see nothing. */
export const DIRECTORY_MODE = 0o750;

/** Network file systems by the number that Linux's `statfs` gives them. That bytes are on a disk is another machine's word there (an NFS export with
 *  `async`, SMB without write-through), and moving or removing an open file means something else. What a virtual machine or a container shares with
 *  its host (9p, virtiofs, FUSE) is let through: whole containers live on it. */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'SMB (CIFS)'],
  [0xfe534d42, 'SMB 2'],
]);

/** Makes the directories of `layout` and makes them durable. `unavailable`, with what to do, where the place is a file, cannot be written or is on a
 *  network. */
export async function prepare(
  { root, uploads, blobs }: Layout,
  { files, flushes }: { readonly files: Files; readonly flushes: Flushes },
): Promise<void> {
  try {
    const firstMade = await files.mkdir(root, { recursive: true, mode: DIRECTORY_MODE });
    await refuseNetwork(root, files);
    for (const path of [uploads, blobs]) {
      await files.mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
      await files.access(path, constants.W_OK | constants.X_OK);
    }
    await flushes.directory(root); // at every start: an earlier process may have ended before its own flush
    if (firstMade === undefined) return;
    for (let path = root; path.length >= firstMade.length; path = dirname(path)) await flushes.directory(dirname(path));
  } catch (error) {
    throw refusal(error, root);
  }
}

/** Makes the shelves of `tree`, each once and when it is first asked for.
 *
 *  Invariant: when a call for a shelf returns, the shelf's own name has survived a power cut. This defeats: one publish makes the shelf and has not
 *  flushed the tree; another finds it there, moves its file in, flushes the shelf and promises; the power fails, and the shelf was never there.
 *  So the second one waits for the first one's flush. */
export function durableShelves(
  tree: string,
  { files, flushes }: { readonly files: Files; readonly flushes: Flushes },
): (shelf: string) => Promise<void> {
  const made = new Map<string, Promise<void>>();
  async function make(shelf: string): Promise<void> {
    try {
      await files.mkdir(shelf, { recursive: true, mode: DIRECTORY_MODE });
      await flushes.directory(tree);
    } catch (error) {
      made.delete(shelf);
      throw error;
    }
  }
  return (shelf) => {
    const making = made.get(shelf) ?? make(shelf);
    made.set(shelf, making);
    return making;
  };
}

async function refuseNetwork(root: string, files: Files): Promise<void> {
  if (process.platform !== 'linux') return; // elsewhere the numbers mean something else
  const network = NETWORK_FILE_SYSTEMS.get((await files.statfs(root)).type);
  if (network === undefined) return;
  throw new StorageError(
    'unavailable',
    `${root} is on a network file system (${network}), which may lose blobs that it confirmed. Keep blobs on a local disk or in an object store.`,
  );
}

function refusal(error: unknown, root: string): unknown {
  switch (hostCode(error)) {
    case 'EEXIST':
    case 'ENOTDIR':
      return new StorageError('unavailable', `${root}, or a part of it, is a file. Give the blobs a directory.`, {
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StorageError(
        'unavailable',
        `${root} cannot be written. Let the user that runs the registry write there, or give the blobs another directory.`,
        { cause: error },
      );
    default:
      return error;
  }
}
