import type { ContentBlob } from '../content.ts';

/** Reads a blob piece by piece, and goes on with the same reading where the next piece begins at the end of the last. */
export interface BlobCursor {
  /** The bytes of `[from, to)`. One piece is read at a time. */
  read(from: number, to: number): AsyncIterable<Uint8Array>;
  /** Ends the reading that is open. */
  close(): Promise<void>;
}

/** A cursor on `blob`, which is opened when the first piece is read. */
export function createBlobCursor(blob: Pick<ContentBlob, 'open'>): BlobCursor {
  let reading: AsyncIterator<Uint8Array> | undefined;
  let position = 0;
  let rest: Uint8Array | undefined;

  const close = async () => {
    const open = reading;
    reading = undefined;
    rest = undefined;
    await open?.return?.();
  };

  async function next(): Promise<Uint8Array | undefined> {
    if (rest !== undefined) return rest;
    const { done, value } = (await reading?.next()) ?? { done: true };
    return done === true ? undefined : value;
  }

  return {
    close,
    async *read(from, to) {
      if (reading === undefined || position !== from) {
        await close();
        reading = blob.open(from)[Symbol.asyncIterator]();
        position = from;
      }
      while (position < to) {
        const chunk = await next();
        if (chunk === undefined) return;
        const piece = chunk.subarray(0, to - position);
        rest = piece.length < chunk.length ? chunk.subarray(piece.length) : undefined;
        position += piece.length;
        yield piece;
      }
    },
  };
}
