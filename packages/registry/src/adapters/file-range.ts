import { type FileHandle, open } from 'node:fs/promises';
import type { ResponseBody } from '../http/message.ts';

/** The body of an answer that is a part of a file. */
export type FileBody = Extract<ResponseBody, { kind: 'file' }>;

/** A part of a file, ready to be sent: the whole of it where it is small, else the open file, which the caller closes. */
export type OpenRange =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'handle'; readonly handle: FileHandle };

// Up to this size one read and one write cost less than a transfer with buffers of its own.
const SMALL_BYTES = 64 * 1024;

/** Opens a part of a file before the headers of its answer are written, so that a file that cannot be opened or, where it is small, read, is still answered
 *  with an error. */
export async function openRange({ file }: FileBody): Promise<OpenRange> {
  const handle = await open(file.path, 'r');
  if (file.lengthBytes > SMALL_BYTES) return { kind: 'handle', handle };
  try {
    const bytes = Buffer.allocUnsafe(file.lengthBytes);
    await readFully(handle, bytes, file.offsetBytes);
    return { kind: 'bytes', bytes };
  } finally {
    await handle.close();
  }
}

/** Fills `buffer` from `offsetBytes` of the file; throws when the file ends before. */
export async function readFully(handle: FileHandle, buffer: Uint8Array, offsetBytes: number): Promise<void> {
  let filled = 0;
  while (filled < buffer.byteLength) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.byteLength - filled, offsetBytes + filled);
    if (bytesRead === 0) throw new Error('The file ended before the range that is being sent.');
    filled += bytesRead;
  }
}
