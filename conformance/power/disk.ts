import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from './random.ts';
import type { Entry, Flushed } from './record.ts';

/** What a file system leaves of changes that nobody flushed:
 *  - `nothing`: none of them, the promise and no more
 *  - `everything`: all of them, as after a crash of the program alone
 *  - `ordered`: names in the order in which they were changed, up to some moment, as a journal does (ext4); each write of bytes for itself
 *  - `unordered`: each change for itself, a renaming being two; and garbage where a file grew and its bytes were not written */
export type Model = 'nothing' | 'everything' | 'ordered' | 'unordered';

/** How a disk behaves at a cut. */
export interface Behaviour {
  readonly model: Model;
  readonly random: Random;
  /** How likely a change that was not flushed is there. */
  readonly kept: number;
}

/** A directory that a disk holds; a file is its bytes. */
export interface Tree extends ReadonlyMap<string, Tree | Uint8Array> {}

type Change = Extract<Entry, { readonly kind: 'write' | 'truncate' }>;

interface File {
  readonly changes: { readonly at: number; readonly change: Change }[];
  /** Changes before this entry of the record are flushed. */
  flushedBefore: number;
}

interface Directory {
  /** As programs see it. */
  readonly names: Map<string, File | Directory>;
  readonly changes: { readonly at: number; readonly name: string; readonly node: File | Directory | undefined }[];
  flushedBefore: number;
}

const sectorBytes = 512;

/** What a disk holds, once it was cut off after the first `length` entries of a record. */
export function cut(entries: readonly Entry[], length: number, behaviour: Behaviour): Tree {
  const { root, journaledBefore } = follow(entries.slice(0, length));
  const { model, random, kept } = behaviour;
  const end = model === 'ordered' ? journaledBefore + random.below(length - journaledBefore + 1) : 0;
  return treeOf(root, {
    ...behaviour,
    keepsName: (at) => {
      if (model === 'ordered') return at < end;
      return model === 'everything' || (model === 'unordered' && random.chance(kept));
    },
  });
}

/** Writes what `cut` gave into `directory`. */
export async function writeTree(tree: Tree, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, node] of tree) {
    if (node instanceof Uint8Array) await writeFile(join(directory, name), node);
    else await writeTree(node, join(directory, name));
  }
}

/** Every change in its place, with what was flushed of it. */
function follow(entries: readonly Entry[]): { root: Directory; journaledBefore: number } {
  const root = newDirectory();
  const files = new Map<number, File>();
  const flushes = new Map<string, number>();
  let journaledBefore = 0;

  function directoryOf(path: string): Directory {
    let directory = root;
    for (const name of path.split('/').slice(1)) {
      const node = directory.names.get(name);
      if (node === undefined || !('names' in node)) throw new Error(`The record made no directory ${path}.`);
      directory = node;
    }
    return directory;
  }

  function setName(at: number, path: string, node: File | Directory | undefined): void {
    const slash = path.lastIndexOf('/');
    const directory = directoryOf(path.slice(0, slash));
    const name = path.slice(slash + 1);
    directory.changes.push({ at, name, node });
    if (node === undefined) directory.names.delete(name);
    else directory.names.set(name, node);
  }

  function nodeAt(path: string): File | Directory {
    const slash = path.lastIndexOf('/');
    const node = directoryOf(path.slice(0, slash)).names.get(path.slice(slash + 1));
    if (node === undefined) throw new Error(`The record made no ${path}.`);
    return node;
  }

  function fileOf(number: number): File {
    const file = files.get(number);
    if (file === undefined) throw new Error(`The record made no file ${number}.`);
    return file;
  }

  function endFlush(flushed: Flushed, begunAt: number): void {
    const node = 'file' in flushed ? fileOf(flushed.file) : directoryOf(flushed.directory);
    node.flushedBefore = Math.max(node.flushedBefore, begunAt);
    if ('directory' in flushed) journaledBefore = Math.max(journaledBefore, begunAt);
  }

  for (const [at, entry] of entries.entries()) {
    switch (entry.kind) {
      case 'write':
      case 'truncate':
        fileOf(entry.file).changes.push({ at, change: entry });
        break;
      case 'create': {
        const file = { changes: [], flushedBefore: 0 };
        files.set(entry.file, file);
        setName(at, entry.path, file);
        break;
      }
      case 'mkdir':
        setName(at, entry.path, newDirectory());
        break;
      case 'rename':
        setName(at, entry.to, nodeAt(entry.path));
        setName(at, entry.path, undefined);
        break;
      case 'unlink':
      case 'rmdir':
        setName(at, entry.path, undefined);
        break;
      case 'flush-begin':
        flushes.set(`${entry.thread} ${JSON.stringify(entry.flushed)}`, at);
        break;
      case 'flush-end': {
        const begunAt = flushes.get(`${entry.thread} ${JSON.stringify(entry.flushed)}`);
        if (begunAt === undefined) throw new Error('The record ends a flush that never began.');
        endFlush(entry.flushed, begunAt);
        break;
      }
      case 'answer':
        break;
    }
  }
  return { root, journaledBefore };
}

function newDirectory(): Directory {
  return { names: new Map(), changes: [], flushedBefore: 0 };
}

function treeOf(directory: Directory, behaviour: Behaviour & { keepsName(at: number): boolean }): Tree {
  const names = new Map<string, File | Directory>();
  for (const { at, name, node } of directory.changes) {
    if (at >= directory.flushedBefore && !behaviour.keepsName(at)) continue;
    if (node === undefined) names.delete(name);
    else names.set(name, node);
  }
  const tree = new Map<string, Tree | Uint8Array>();
  for (const [name, node] of names) {
    tree.set(name, 'names' in node ? treeOf(node, behaviour) : bytesOf(node, behaviour));
  }
  return tree;
}

function bytesOf({ changes, flushedBefore }: File, { model, random, kept }: Behaviour): Uint8Array {
  const ends = changes.map(({ change }) =>
    'data' in change ? change.offsetBytes + change.data.length : change.sizeBytes,
  );
  const bytes = new Uint8Array(Math.max(0, ...ends));
  let sizeBytes = 0;

  function write(offsetBytes: number, data: Uint8Array, isFlushed: boolean): void {
    if (offsetBytes > sizeBytes && model === 'unordered' && !isFlushed) {
      bytes.set(random.bytes(offsetBytes - sizeBytes), sizeBytes);
    }
    bytes.set(data, offsetBytes);
    sizeBytes = Math.max(sizeBytes, offsetBytes + data.length);
  }

  function tear(offsetBytes: number, data: Uint8Array): void {
    for (let at = 0; at < data.length; ) {
      const end = Math.min(data.length, at + sectorBytes - ((offsetBytes + at) % sectorBytes));
      if (random.chance(0.5)) write(offsetBytes + at, data.subarray(at, end), false);
      at = end;
    }
  }

  for (const { at, change } of changes) {
    const isFlushed = at < flushedBefore;
    if (!isFlushed && model === 'nothing') continue;
    const isWhole = isFlushed || model === 'everything' || random.chance(kept);
    if (change.kind === 'truncate') {
      if (!isWhole) continue;
      bytes.fill(0, Math.min(sizeBytes, change.sizeBytes)); // what a longer file showed is gone when it grows again
      sizeBytes = change.sizeBytes;
    } else if (isWhole) write(change.offsetBytes, change.data, isFlushed);
    else if (random.chance(0.5)) tear(change.offsetBytes, change.data);
  }
  return bytes.slice(0, sizeBytes);
}
