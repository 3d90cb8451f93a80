import { constants } from 'node:fs';
import { type FileHandle, lchown, link, open, symlink } from 'node:fs/promises';
import { isPrintable, parseEntryName } from './entry-name.ts';
import type { TarItem } from './read-tar.ts';
import { isSuperuser, permittedBits, type StagedTree } from './staged-tree.ts';

const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/** Puts an entry of an archive where `parts` say, in place of what an earlier entry put there. Refuses with an `ExitError` what must not be put anywhere. */
export async function putEntry(tree: StagedTree, parts: readonly string[], item: TarItem): Promise<void> {
  if (parts.length === 0) {
    // The directory that the user chose stays as it is.
    if (item.type === 'directory') return;
    throw tree.refusal(parts, 'stands for the root and is no directory');
  }
  await tree.enter(parts.slice(0, -1));
  switch (item.type) {
    case 'directory': {
      const kind = await tree.kindAt(parts);
      if (kind !== undefined && kind !== 'directory') await tree.remove(parts);
      await tree.enter(parts);
      const { mode, uid, gid } = item;
      tree.directories.set(parts.join('/'), { mode, uid, gid });
      return;
    }
    case 'file':
      await tree.remove(parts);
      return tree.image ? putImageFile(tree, parts, item) : putFile(tree, parts, item);
    case 'link':
      return putLink(tree, parts, item);
    case 'symlink':
      return putSymlink(tree, parts, item);
    case 'other':
      throw tree.refusal(parts, 'is a device or another thing that is neither a file, a directory nor a link');
  }
}

/** Writes a new file with the modes that the umask leaves of 0666, or of 0777 if its owner may run it. */
export async function putFile(
  tree: StagedTree,
  parts: readonly string[],
  { content, mode = 0o644 }: { readonly content: AsyncIterable<Uint8Array>; readonly mode?: number },
): Promise<void> {
  await tree.enter(parts.slice(0, -1));
  const handle = await open(tree.pathOf(parts), newFile, (mode & 0o100) === 0 ? 0o666 : 0o777);
  try {
    await writeAll(handle, content);
  } finally {
    await handle.close();
  }
}

async function putImageFile(tree: StagedTree, parts: readonly string[], item: TarItem): Promise<void> {
  const { content, mode, uid, gid, modifiedAt } = item;
  const owned = isSuperuser();
  const handle = await open(tree.pathOf(parts), newFile, 0o600);
  try {
    await writeAll(handle, content);
    if (owned) await handle.chown(uid, gid);
    await handle.chmod(mode & permittedBits(owned));
    if (modifiedAt !== undefined) await handle.utimes(modifiedAt, modifiedAt);
  } finally {
    await handle.close();
  }
}

async function putLink(tree: StagedTree, parts: readonly string[], { linkPath }: TarItem): Promise<void> {
  const path = tree.image ? linkPath.replace(/^\/+/, '') : linkPath;
  const target = parseEntryName(path, `The entry ${JSON.stringify(parts.join('/'))}, a link,`);
  if (!tree.image && target[0] !== parts[0]) throw tree.refusal(parts, 'is a link out of the directory');
  await tree.enter(target.slice(0, -1));
  const [from, to] = [target.join('/'), parts.join('/')];
  if ((await tree.kindAt(target)) !== 'file' || from.startsWith(`${to}/`)) {
    throw tree.refusal(parts, `is a link to ${JSON.stringify(linkPath)}, which is no file in it`);
  }
  if (from === to) return;
  await tree.remove(parts);
  await link(tree.pathOf(target), tree.pathOf(parts));
}

async function putSymlink(tree: StagedTree, parts: readonly string[], item: TarItem): Promise<void> {
  const { linkPath, uid, gid } = item;
  if (linkPath === '' || !isPrintable(linkPath)) throw tree.refusal(parts, 'is a link without a proper target');
  if (!tree.image && !staysInside(parts, linkPath)) {
    throw tree.refusal(parts, `is a link to ${JSON.stringify(linkPath)}, out of the directory`);
  }
  await tree.remove(parts);
  await symlink(linkPath, tree.pathOf(parts));
  if (tree.image && isSuperuser()) await lchown(tree.pathOf(parts), uid, gid);
}

/** Whether a link at `parts` leads to what is below the first of them. `..` may only stand at the beginning: behind a name, which may be a link, it leads anywhere. */
function staysInside(parts: readonly string[], linkPath: string): boolean {
  if (linkPath.startsWith('/') || (process.platform === 'win32' && /[\\:]/.test(linkPath))) return false;
  const steps = linkPath.split('/').filter((step) => step !== '.' && step !== '');
  const ups = steps.lastIndexOf('..') + 1;
  if (steps.slice(0, ups).some((step) => step !== '..')) return false;
  const above = parts.slice(0, Math.max(0, parts.length - 1 - ups));
  return [...above, ...steps.slice(ups)][0] === parts[0] && ups < parts.length;
}

async function writeAll(handle: FileHandle, content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const bytes of content) {
    for (let done = 0; done < bytes.length; ) {
      done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
    }
  }
}
