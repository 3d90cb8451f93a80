import { constants, type Stats } from 'node:fs';
import { lstat, open, stat } from 'node:fs/promises';
import { ExitError } from '../../exit-error.ts';

const chunkBytes = 2 ** 18;
// Not a link that was put in the file's place, and no waiting for the other end of a pipe that was.
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** The state of what lies at `path`, of the link itself if it is one; an `ExitError` that names it if it cannot be read. */
export function linkState(path: string): Promise<Stats> {
  return lstat(path).catch((error: unknown) => refuse(path, error));
}

/** The state of what `path` leads to; an `ExitError` that names it if it cannot be read. */
export function fileState(path: string): Promise<Stats> {
  return stat(path).catch((error: unknown) => refuse(path, error));
}

/** The bytes of a file from `offset` on. Refuses with an `ExitError` a file that is not, before and after, as `state` says: its digest would be of no file that ever was. */
export async function* readStable(path: string, state: Stats, offset = 0): AsyncGenerator<Uint8Array> {
  const handle = await open(path, openFlags).catch((error: unknown) => refuse(path, error));
  try {
    requireSame(path, state, await handle.stat());
    for (let position = offset; position < state.size; ) {
      const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, state.size - position));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) throw changed(path);
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    requireSame(path, state, await handle.stat());
  } finally {
    await handle.close();
  }
}

/** Throws an `ExitError` in place of an error of the file system: one sentence that names the file. */
export function refuse(path: string, error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') throw new ExitError(`There is no ${path}.`, { cause: error });
  if (code === 'EACCES' || code === 'EPERM') throw new ExitError(`You may not read ${path}.`, { cause: error });
  if (code === 'ELOOP') throw changed(path);
  throw error;
}

function requireSame(path: string, before: Stats, now: Stats): void {
  const keys = ['dev', 'ino', 'size', 'mtimeMs', 'ctimeMs'] as const;
  if (keys.some((key) => before[key] !== now[key])) throw changed(path);
}

function changed(path: string): ExitError {
  return new ExitError(`${path} changed while it was read: push again when nothing writes to it.`);
}
