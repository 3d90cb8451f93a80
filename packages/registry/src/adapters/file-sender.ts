/** Invariant: a buffer belongs to one transfer at a time, and bytes that were handed to a connection do not change until it has taken them.
 *
 *  It defeats this: a transfer ends because its client went away, its buffer goes to the next transfer, and the read or the write of the
 *  first that was still in flight puts one client's bytes into another's answer. So a read is awaited before anything else happens, a buffer is read into again
 *  only after its write has resolved to true, and a transfer that did not end well leaves its buffers to the garbage collector. */
import type { FileHandle } from 'node:fs/promises';
import { type FileBody, readFully } from './file-range.ts';
import type { ResponseSink } from './response-sink.ts';

const KIB = 1024;

/** Sends a part of an open file into a sink, which ends when the client goes away: then it returns false. Throws when the file cannot be read or
 *  is too short. The caller closes the file. */
export type FileSender = (handle: FileHandle, body: FileBody, sink: ResponseSink) => Promise<boolean>;

/** How much memory transfers may take. */
export interface FileSenderOptions {
  /** Transfers at a time that get two large buffers, so that reads overlap writes. Their buffers are kept for later. Default 4. */
  readonly largeTransfers?: number;
  /** Size of a large buffer in bytes. Default 512 KiB, which stay in a processor's cache: with 1 MiB pulls were slower (bench row pull-blob-256m-4-clients). */
  readonly largeBytes?: number;
  /** Size in bytes of the one buffer that each transfer beyond those gets and drops at its end. Default 64 KiB: with many slow clients, memory grows by
   *  this much a client. */
  readonly smallBytes?: number;
}

interface Loan {
  readonly count: number;
  /** The buffer of a turn; turn `n` has that of turn `n - count` again. */
  buffer(turn: number): Uint8Array;
  /** Ends the loan. `clean`: no read and no write into or out of the buffers is left. */
  end(clean: boolean): void;
}

/** Makes a sender with a pool of buffers that all its transfers share. */
export function createFileSender(options: FileSenderOptions = {}): FileSender {
  const { largeTransfers = 4, largeBytes = 512 * KIB, smallBytes = 64 * KIB } = options;
  const idle: (readonly [Uint8Array, Uint8Array])[] = [];
  let lent = 0;

  const borrow = (): Loan => {
    if (lent >= largeTransfers) {
      const buffer = Buffer.allocUnsafeSlow(smallBytes);
      return { count: 1, buffer: () => buffer, end: () => undefined };
    }
    lent += 1;
    const pair = idle.pop() ?? [Buffer.allocUnsafeSlow(largeBytes), Buffer.allocUnsafeSlow(largeBytes)];
    return {
      count: 2,
      buffer: (turn) => (turn % 2 === 0 ? pair[0] : pair[1]),
      end: (clean) => {
        lent -= 1;
        if (clean) idle.push(pair);
      },
    };
  };
  const fresh = (): Loan => ({
    count: 1,
    buffer: () => Buffer.allocUnsafeSlow(smallBytes),
    end: () => undefined,
  });

  return async (handle, body, sink) => {
    const loan = sink.buffersReturn ? borrow() : fresh();
    let clean = false;
    try {
      clean = await send(handle, body, { sink, loan });
    } finally {
      loan.end(clean);
    }
    return clean;
  };
}

async function send(
  handle: FileHandle,
  { file }: FileBody,
  { sink, loan }: { readonly sink: ResponseSink; readonly loan: Loan },
): Promise<boolean> {
  const writes: Promise<boolean>[] = [];
  let sentBytes = 0;
  for (let turn = 0; sentBytes < file.lengthBytes; turn += 1) {
    const buffer = loan.buffer(turn);
    const chunk = buffer.subarray(0, Math.min(buffer.byteLength, file.lengthBytes - sentBytes));
    await readFully(handle, chunk, file.offsetBytes + sentBytes);
    sentBytes += chunk.byteLength;
    writes.push(sink.write(chunk));
    // The next turn reads into the buffer of the oldest write.
    if (writes.length === loan.count && !(await writes.shift())) return false;
  }
  return (await Promise.all(writes)).every((taken) => taken);
}
