import { constants } from 'node:fs';
import { DIRECTORY_MODE, makeLocalDirectory, toDirectoryRefusal } from '../local-directory.ts';
import type { Files, Flushes } from './host.ts';
import type { Layout } from './layout.ts';

/** Makes the directories of `layout` and makes them durable. `unavailable`, with what to do, where the place is a file, cannot be written or is on a
 *  network. */
export async function prepare(
  { root, uploads, blobs }: Layout,
  { files, flushes }: { readonly files: Files; readonly flushes: Flushes },
): Promise<void> {
  await makeLocalDirectory(root, { files, flush: flushes.directory });
  try {
    for (const path of [uploads, blobs]) {
      await files.mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
      await files.access(path, constants.W_OK | constants.X_OK);
    }
    await flushes.directory(root); // at every start: an earlier process may have ended before its own flush
  } catch (error) {
    throw toDirectoryRefusal(error, root);
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
