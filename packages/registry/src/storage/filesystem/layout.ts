import { basename, join, resolve } from 'node:path';
import { parseStorageKey, type StorageKey } from '../blob-store.ts';

/** Where a store's files lie. A shelf is a directory that holds files. */
export interface Layout {
  readonly root: string;
  readonly uploads: string;
  readonly blobs: string;
  /** The file of an upload, and its shelf. */
  upload(key: StorageKey): { readonly path: string; readonly shelf: string };
  /** The file of a published blob, and its shelf. */
  blob(key: StorageKey): { readonly path: string; readonly shelf: string };
  /** The shelf called `name` in `uploads` or `blobs`; undefined when it is none of ours. */
  shelf(tree: string, name: string): string | undefined;
  /** The file called `name` on a shelf; undefined when it is none of ours. */
  file(shelf: string, name: string): { readonly path: string; readonly key: StorageKey } | undefined;
}

/** Every path under `directory`; nobody else builds one.
 *
 *  ```
 *  <directory>/
 *    uploads/<2 characters>/<key>   the bytes of an upload that still grows
 *    blobs/<2 characters>/<key>     the bytes of a published blob: the upload's file, moved
 *  ```
 *
 *  The two characters are the key's first two, so that no directory grows large. Files of other names are none of ours and stay untouched. */
export function layout(directory: string): Layout {
  const root = resolve(directory);
  const uploads = join(root, 'uploads');
  const blobs = join(root, 'blobs');
  const place = (tree: string, key: StorageKey) => {
    const shelf = join(tree, key.slice(0, 2));
    return { path: join(shelf, key), shelf };
  };
  return {
    root,
    uploads,
    blobs,
    upload: (key) => place(uploads, key),
    blob: (key) => place(blobs, key),
    shelf: (tree, name) => (/^[0-9a-f]{2}$/.test(name) ? join(tree, name) : undefined),
    file: (shelf, name) =>
      /^[0-9a-f]{32}$/.test(name) && name.startsWith(basename(shelf))
        ? { path: join(shelf, name), key: parseStorageKey(name) }
        : undefined,
  };
}
