import type { FileHandle } from 'node:fs/promises';
import type { Bytes } from '../blob-store.ts';

/** Writes `body` to `file` from `offsetBytes` on and returns where it ends, in bytes. When `body` fails, what had arrived is written before its error is thrown again.
 *
 *  Bytes are copied into one buffer of `bufferBytes` while the other is being written, so that reading from the network and writing to the disk overlap and memory stays at
 *  two buffers, however small or large the chunks. Copying costs 3 % of what hashing costs, and lets a source use its chunk again at once.
 *  The buffers are this call's own: nobody else's bytes were or will be in them.
 *
 *  Invariant: at most one write is under way, a buffer is filled only when no write reads it, and the file is an unbroken beginning of the body. This
 *  defeats: a write fails while the next buffer fills; were that buffer written all the same, the file would have the right size and a hole. `written`
 *  stays rejected, and every later write waits for it first.
 *
 *  A body that stalled may fail long after another process has taken its upload over. Then the file ends somewhere else than here, and what is still in the
 *  buffer is dropped: it would lie over that process's bytes, which were hashed already. */
export async function writeBody(
  file: Pick<FileHandle, 'write' | 'stat'>,
  body: Bytes,
  { offsetBytes, bufferBytes }: { readonly offsetBytes: number; readonly bufferBytes: number },
): Promise<number> {
  let filling = Buffer.allocUnsafeSlow(bufferBytes);
  let spare: typeof filling | undefined;
  let filledBytes = 0;
  let endBytes = offsetBytes;
  let written = Promise.resolve();

  async function startWrite(): Promise<void> {
    await written;
    const full = filling.subarray(0, filledBytes);
    written = writeFully(file, full, endBytes);
    written.catch(() => undefined); // it is thrown at the next `await written`, and must not count as unhandled until then
    endBytes += filledBytes;
    filledBytes = 0;
    [filling, spare] = [spare ?? Buffer.allocUnsafeSlow(bufferBytes), filling];
  }

  try {
    for await (const chunk of body) {
      for (let taken = 0; taken < chunk.length; ) {
        const piece = chunk.subarray(taken, taken + bufferBytes - filledBytes);
        filling.set(piece, filledBytes);
        filledBytes += piece.length;
        taken += piece.length;
        if (filledBytes === bufferBytes) await startWrite();
      }
    }
  } catch (error) {
    await written;
    if ((await file.stat()).size === endBytes) await writeFully(file, filling.subarray(0, filledBytes), endBytes);
    throw error;
  }
  await written;
  await writeFully(file, filling.subarray(0, filledBytes), endBytes);
  return endBytes + filledBytes;
}

async function writeFully(file: Pick<FileHandle, 'write'>, bytes: Uint8Array, positionBytes: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, positionBytes + done);
    done += bytesWritten;
  }
}
