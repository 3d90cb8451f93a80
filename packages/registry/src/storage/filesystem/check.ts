import * as files from 'node:fs/promises';
import type { BlobCheck } from '../blob-check.ts';
import { StorageError } from '../error.ts';
import { hostCode, ifThere } from './host.ts';
import { layout } from './layout.ts';
import { listFiles, readWhole } from './reader.ts';

/** The blobs in files under `directory`, for a check: also where they may only be read. */
export function filesystemCheck({ directory }: { readonly directory: string }): BlobCheck {
  const places = layout(directory);
  return {
    size: async (key) => (await ifThere(files.stat(places.blob(key).path)))?.size,
    async *read(key, signal) {
      try {
        yield* readWhole(files, places.blob(key).path, signal);
      } catch (cause) {
        if (hostCode(cause) !== 'EIO') throw cause;
        throw new StorageError('unavailable', 'The disk cannot read them.', { cause });
      }
    },
    async *list(signal) {
      try {
        yield* listFiles(files, places, signal);
      } catch (cause) {
        if (hostCode(cause) !== 'ENOENT') throw cause;
        throw new StorageError('unavailable', `${places.root} is not there, or not whole: is its disk mounted?`, {
          cause,
        });
      }
    },
  };
}
