import type { StoredFile } from '../blob-check.ts';
import { notFound } from '../blob-error.ts';
import type { Bytes } from '../blob-store.ts';
import { type Files, ifThere, orNotFound } from './host.ts';
import type { Layout } from './layout.ts';

const READ_BYTES = 1024 * 1024;

/** The bytes of a file from its start, each chunk in memory of its own; `not-found` when there are none. */
export async function* readWhole(files: Files, path: string, signal: AbortSignal): Bytes {
  const file = await orNotFound(files.open(path, 'r'));
  try {
    for (let atBytes = 0; ; ) {
      signal.throwIfAborted();
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(READ_BYTES), 0, READ_BYTES, atBytes);
      atBytes += bytesRead;
      if (atBytes === 0) throw notFound();
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** Every file of `layout`, a directory at a time, so that memory does not grow with their number. */
export async function* listFiles(files: Files, layout: Layout, signal: AbortSignal): AsyncGenerator<StoredFile, void> {
  for (const tree of [layout.uploads, layout.blobs]) {
    for await (const { name } of await files.opendir(tree)) {
      const shelf = layout.shelf(tree, name);
      if (shelf !== undefined) yield* listShelf(shelf);
    }
  }

  async function* listShelf(shelf: string): AsyncGenerator<StoredFile, void> {
    for await (const { name } of await files.opendir(shelf)) {
      signal.throwIfAborted();
      const file = layout.file(shelf, name);
      if (file === undefined) continue;
      const found = await ifThere(files.stat(file.path));
      if (found?.isFile()) yield { key: file.key, modifiedMs: found.mtimeMs, sizeBytes: found.size };
    }
  }
}
