import * as files from 'node:fs/promises';
import type { BlobStore } from '../blob-store.ts';
import { blobFiles } from './blob-files.ts';
import { layout } from './layout.ts';

export { filesystemCheck } from './check.ts';

/** Blobs in files under `directory`, which is made if it is missing; a relative one resolves against the directory of the process at this call.
 *
 *  For one machine's disk: a network file system, a file in the way and a directory that cannot be written are refused as `unavailable` when the store opens.
 *  A flush that the disk did not confirm makes every later `publish` `unavailable`. */
export function filesystem({
  directory,
  reserveBytes = 0,
}: {
  readonly directory: string;
  /** Free space, in bytes, below which uploads are refused as `below-reserve`; what is there can be read and removed all the same. */
  readonly reserveBytes?: number;
}): BlobStore {
  return blobFiles(layout(directory), files, { reserveBytes });
}
