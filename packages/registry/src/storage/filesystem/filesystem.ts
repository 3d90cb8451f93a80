import * as files from 'node:fs/promises';
import type { BlobStore } from '../blob-store.ts';
import { blobFiles } from './blob-files.ts';
import { noFlushFailed } from './host.ts';
import { layout } from './layout.ts';

export { filesystemCheck } from './check.ts';

/** A blob store that the threads of a process can share. */
export interface FilesystemStore extends BlobStore {
  /** What another thread of this process opens the same directory with, so that a disk which failed one thread is trusted by none. */
  readonly shared: SharedFiles;
}

/** Memory that the stores of one directory share. */
export interface SharedFiles {
  readonly flushFailed: Int32Array<SharedArrayBuffer>;
}

/** What a store is opened with. */
export interface FilesystemOptions {
  readonly directory: string;
  /** Free space, in bytes, below which uploads are refused as `below-reserve`; what is there can be read and removed all the same. */
  readonly reserveBytes?: number;
  /** From the store that another thread of this process has on `directory`. An upload must not be changed by two threads at once: what is under way is known to each thread alone. */
  readonly shared?: SharedFiles;
}

/** Blobs in files under `directory`, which is made if it is missing; a relative one resolves against the directory of the process at this call.
 *
 *  For one machine's disk: a network file system, a file in the way and a directory that cannot be written are refused as `unavailable` when the store opens.
 *  A flush that the disk did not confirm makes every later `publish` `unavailable`. */
export function filesystem({
  directory,
  reserveBytes = 0,
  shared = { flushFailed: noFlushFailed() },
}: FilesystemOptions): FilesystemStore {
  return { ...blobFiles(layout(directory), files, { reserveBytes, ...shared }), shared };
}
