import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ExitError } from '../../exit-error.ts';
import { parseEntryName } from './entry-name.ts';
import { putEntry } from './put-entry.ts';
import type { TarItem } from './read-tar.ts';
import type { StagedTree } from './staged-tree.ts';

const whiteoutPrefix = '.wh.';
const opaqueName = '.wh..wh..opq';
/** Of aufs itself: nothing that an image means. */
const metaPrefix = '.wh..wh.';

/**
 * Puts a layer on top of those below it. A whiteout removes what lower layers put at its name and nothing of its own layer, wherever it stands in the archive
 * (image-spec, "Whiteouts"). `onEntry` is called for each entry before it is looked at.
 */
export async function applyLayer(
  tree: StagedTree,
  items: AsyncIterable<TarItem>,
  { place, onEntry }: { readonly place: string; readonly onEntry: () => void },
): Promise<void> {
  const own = new Set<string>();
  for await (const item of items) {
    onEntry();
    // `/` is the image's root: some builders write names so.
    const parts = parseEntryName(item.path.replace(/^\/+/, '') || '.', place);
    const name = parts.at(-1) ?? '';
    if (!name.startsWith(whiteoutPrefix)) {
      await putEntry(tree, parts, item);
      for (let depth = 1; depth <= parts.length; depth++) own.add(parts.slice(0, depth).join('/'));
      continue;
    }
    const directory = parts.slice(0, -1);
    if (!(await isInTree(tree, directory))) continue;
    if (name === opaqueName) {
      await clear(tree, directory, own);
    } else if (!name.startsWith(metaPrefix)) {
      const removed = name.slice(whiteoutPrefix.length);
      if (removed === '' || removed === '.' || removed === '..') {
        throw new ExitError(`${place} has the whiteout ${JSON.stringify(item.path)}, which names nothing to remove.`);
      }
      await removeLower(tree, [...directory, removed], own);
    }
  }
}

/** Whether there are real directories all the way: a whiteout below a link must not remove what the link leads to. */
async function isInTree(tree: StagedTree, directory: readonly string[]): Promise<boolean> {
  for (let depth = 1; depth <= directory.length; depth++) {
    if ((await tree.kindAt(directory.slice(0, depth))) !== 'directory') return false;
  }
  return true;
}

async function removeLower(tree: StagedTree, parts: readonly string[], own: ReadonlySet<string>): Promise<void> {
  if (!own.has(parts.join('/'))) await tree.remove(parts);
  else if ((await tree.kindAt(parts)) === 'directory') await clear(tree, parts, own);
}

async function clear(tree: StagedTree, directory: readonly string[], own: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(join(tree.root, ...directory))) await removeLower(tree, [...directory, name], own);
}
