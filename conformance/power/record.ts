import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What a server asked of its disk, or that an answer left it. Paths lie below the watched directory and begin with a slash; `''` is that directory. A file is known
 *  by its inode's number, which another one may get once it is gone. */
export type Entry =
  | { readonly kind: 'write'; readonly file: number; readonly offsetBytes: number; readonly data: Uint8Array }
  | { readonly kind: 'truncate'; readonly file: number; readonly sizeBytes: number }
  | { readonly kind: 'create'; readonly file: number; readonly path: string }
  | { readonly kind: 'mkdir' | 'unlink' | 'rmdir'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'flush-begin' | 'flush-end'; readonly flushed: Flushed; readonly thread: number }
  /** `requestId` undefined: of none of the registry's own endpoints. */
  | { readonly kind: 'answer'; readonly requestId: string | undefined };

/** A directory by its path, a file by its number. */
export type Flushed = { readonly directory: string } | { readonly file: number };

/** Ways in which the shim makes the record that of a broken program. */
export const breakages = ['fdatasync', 'directory', 'answer', 'normal'] as const;
export type Breakage = (typeof breakages)[number];

const headerBytes = 32;

/** Builds the shim with the machine's C compiler; returns its path in `directory`. */
export async function buildShim(directory: string): Promise<string> {
  const shim = join(directory, 'shim.so');
  const source = fileURLToPath(new URL('shim.c', import.meta.url));
  await promisify(execFile)('cc', ['-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-o', shim, source]);
  return shim;
}

/** The environment under which a program is recorded. */
export function recordingOf(options: {
  readonly shim: string;
  readonly root: string;
  readonly log: string;
  readonly breakage: Breakage | undefined;
}): Readonly<Record<string, string>> {
  return {
    LD_PRELOAD: options.shim,
    POWER_ROOT: options.root,
    POWER_LOG: options.log,
    POWER_BREAK: options.breakage ?? '',
    UV_USE_IO_URING: '0', // its calls would go past the shim
  };
}

/** Reads a record in the shim's form. An entry whose writing was cut short by the end of the server is left out. */
export async function readRecord(file: string): Promise<readonly Entry[]> {
  const bytes = await readFile(file);
  const entries: Entry[] = [];
  for (let at = 0; at + headerBytes <= bytes.length; ) {
    const lengths = { path: bytes.readUInt16LE(at + 2), path2: bytes.readUInt16LE(at + 4) };
    const dataBytes = bytes.readUInt32LE(at + 28);
    const pathAt = at + headerBytes;
    const path2At = pathAt + lengths.path;
    const dataAt = path2At + lengths.path2;
    const end = dataAt + dataBytes;
    if (end > bytes.length) break;
    entries.push(
      toEntry({
        kind: bytes.readUInt16LE(at),
        isDirectory: bytes.readUInt16LE(at + 6) === 1,
        file: Number(bytes.readBigUInt64LE(at + 8)),
        number: Number(bytes.readBigUInt64LE(at + 16)),
        thread: bytes.readUInt32LE(at + 24),
        path: bytes.toString('utf8', pathAt, path2At),
        to: bytes.toString('utf8', path2At, dataAt),
        data: bytes.subarray(dataAt, end),
      }),
    );
    at = end;
  }
  return entries;
}

interface Fields {
  readonly kind: number;
  readonly isDirectory: boolean;
  readonly file: number;
  readonly number: number;
  readonly thread: number;
  readonly path: string;
  readonly to: string;
  readonly data: Buffer;
}

function toEntry({ kind, isDirectory, file, number, thread, path, to, data }: Fields): Entry {
  switch (kind) {
    case 1:
      return { kind: 'write', file, offsetBytes: number, data };
    case 2:
      return { kind: 'truncate', file, sizeBytes: number };
    case 3:
      return { kind: 'create', file, path };
    case 4:
      return { kind: 'mkdir', path };
    case 5:
      return { kind: 'rename', path, to };
    case 6:
      return { kind: 'unlink', path };
    case 7:
      return { kind: 'rmdir', path };
    case 8:
    case 9: {
      const flushed = isDirectory ? { directory: path } : { file };
      return { kind: kind === 8 ? 'flush-begin' : 'flush-end', flushed, thread };
    }
    case 10:
      return { kind: 'answer', requestId: /\r\nX-Request-Id: (\w+)\r\n/i.exec(data.toString('latin1'))?.[1] };
    default:
      throw new Error(`The record has an entry of the unknown kind ${kind}.`);
  }
}
