import type { Bytes } from '../blob-store.ts';
import { StorageError } from '../error.ts';
import type { Files } from './host.ts';

/** Bytes of one body after which the free space is looked at again. */
const LOOK_BYTES = 64 * 1024 * 1024;

const MiB = 1024 * 1024;

/** Space on the disk that uploads leave to everything else: the database's log, deletes, logins. */
export interface Reserve {
  /** `below-reserve` when less than the reserve is free. */
  check(): Promise<void>;
  /** `body`, which ends with `below-reserve` when less than the reserve is free as it begins, or while it flows. An empty one passes: an upload that is there may be finished. */
  guard(body: Bytes): Bytes;
}

/** Keeps `reserveBytes` of the file system that holds `directory` free; 0 keeps nothing. */
export function reserve(
  files: Pick<Files, 'statfs'>,
  { directory, reserveBytes }: { readonly directory: string; readonly reserveBytes: number },
): Reserve {
  async function check(): Promise<void> {
    if (reserveBytes === 0) return;
    const { bavail, bsize } = await files.statfs(directory);
    const freeBytes = bavail * bsize;
    if (freeBytes >= reserveBytes) return;
    const [free, kept] = [freeBytes, reserveBytes].map((bytes) => Math.floor(bytes / MiB));
    throw new StorageError(
      'below-reserve',
      `The disk of this registry has ${free} MiB left, and ${kept} MiB are kept free: nothing can be pushed until its administrator makes room.`,
      { detail: { freeBytes, reserveBytes } },
    );
  }

  return {
    check,
    async *guard(body) {
      let unseenBytes = LOOK_BYTES;
      for await (const chunk of body) {
        unseenBytes += chunk.length;
        if (unseenBytes >= LOOK_BYTES) {
          unseenBytes = 0;
          await check();
        }
        yield chunk;
      }
    },
  };
}
