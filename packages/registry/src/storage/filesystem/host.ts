import type * as fs from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { notFound } from '../blob-error.ts';
import { StorageError } from '../error.ts';

/** What the driver asks of its host: `node:fs/promises`, or in tests the same with faults. */
export type Files = Pick<typeof fs, 'access' | 'mkdir' | 'open' | 'opendir' | 'rename' | 'stat' | 'statfs' | 'unlink'>;

/** The host's name of an error, such as `ENOENT`; undefined for errors of other origin. */
export function hostCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** What `call` returns; undefined when the host says that there is no such file. */
export async function ifThere<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (hostCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** What `call` returns; `not-found` when the host says that there is no such file. */
export async function orNotFound<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw hostCode(error) === 'ENOENT' ? notFound() : error;
  }
}

/** Making a directory and what is above it on a read-only file system, Node says `ENOENT`. */
function isRefusedDirectory(error: unknown): boolean {
  return hostCode(error) === 'ENOENT' && error instanceof Error && 'syscall' in error && error.syscall === 'mkdir';
}

/** What `call` returns; a full disk or an exhausted quota is thrown as `no-space`, and what the host will not do now as `unavailable`. */
export async function orRefusal<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (cause) {
    switch (isRefusedDirectory(cause) ? 'EROFS' : hostCode(cause)) {
      case 'ENOSPC':
      case 'EDQUOT':
        throw new StorageError('no-space', 'There is no room for more blobs. Free some, or give the registry more.', {
          cause,
        });
      case 'EROFS':
        throw new StorageError(
          'unavailable',
          'The file system of the blobs is read-only. Check the disk, then mount it for writing.',
          { cause },
        );
      case 'EMFILE':
      case 'ENFILE':
        throw new StorageError(
          'unavailable',
          'Too many files are open. Raise the limit of this process (ulimit -n, or LimitNOFILE under systemd).',
          { cause },
        );
      default:
        throw cause;
    }
  }
}

/** The only door to a flush. */
export interface Flushes {
  /** When it returns, the file's bytes and size have survived a power cut. Empties the file when the disk did not confirm it. */
  file(file: FileHandle): Promise<void>;
  /** When it returns, the names in the directory have survived a power cut. */
  directory(path: string): Promise<void>;
}

/** Whether a flush has failed: 1 from then on, in memory that the threads of a process may share. */
export type FlushFailed = Int32Array<SharedArrayBuffer>;

/** No flush has failed. */
export function noFlushFailed(): FlushFailed {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** Flushes of one store. One that fails is fatal: it and every later one is `unavailable`, in every thread that shares `failed`. What another thread began while it failed is so, too: the system tells
 *  of what it could not write once, and not to all.
 *
 *  A flush is never tried again: after a failure the system forgets which bytes it could not write, and a second flush would succeed without them. For
 *  the same reason the file is emptied: the next process would read the right bytes from memory, and publish what the disk does not hold. */
export function flushes(files: Files, failed: FlushFailed = noFlushFailed()): Flushes {
  function checkFailed(cause?: unknown): void {
    if (Atomics.load(failed, 0) === 0) return;
    const message =
      'The disk did not confirm that it holds what was written. Check the disk, then restart the registry.';
    throw new StorageError('unavailable', message, { cause });
  }

  async function unlessFailed(flush: () => Promise<void>): Promise<void> {
    checkFailed();
    try {
      await flush();
    } catch (cause) {
      Atomics.store(failed, 0, 1);
      checkFailed(cause);
    }
    checkFailed();
  }

  return {
    file: (file) =>
      unlessFailed(async () => {
        try {
          await file.datasync();
        } catch (error) {
          await file.truncate(0);
          throw error;
        }
      }),
    async directory(path) {
      const directory = await files.open(path, 'r');
      try {
        await unlessFailed(() => directory.sync());
      } finally {
        await directory.close();
      }
    },
  };
}
