import { OciError } from '../oci/error.ts';
import type { Bytes } from '../storage/blob-store.ts';

/** A body in one piece, growing. */
export interface Collector {
  /** Takes a copy of `part`; 413 when there would be more than the maximum. */
  add(part: Uint8Array): void;
  /** What came so far, in a piece of exactly its size. */
  bytes(): Uint8Array;
}

/** Collects up to `maximumBytes` in one buffer, however small the parts are that they come in. */
export function createCollector(maximumBytes: number): Collector {
  let buffer = new Uint8Array(Math.min(maximumBytes, 4096));
  let sizeBytes = 0;
  return {
    add(part) {
      const neededBytes = sizeBytes + part.byteLength;
      if (neededBytes > maximumBytes) throw tooLarge(maximumBytes);
      if (neededBytes > buffer.byteLength) {
        const larger = new Uint8Array(Math.min(maximumBytes, Math.max(neededBytes, buffer.byteLength * 2)));
        larger.set(buffer.subarray(0, sizeBytes));
        buffer = larger;
      }
      buffer.set(part, sizeBytes);
      sizeBytes = neededBytes;
    },
    bytes: () => buffer.slice(0, sizeBytes),
  };
}

/** All bytes of a body; 413 as soon as there are more than `maximumBytes`. */
export async function collect(body: Bytes, maximumBytes: number): Promise<Uint8Array> {
  const collector = createCollector(maximumBytes);
  for await (const part of body) collector.add(part);
  return collector.bytes();
}

/** The body is larger than is allowed. */
export function tooLarge(maximumBytes: number): OciError {
  return new OciError('SIZE_INVALID', `The body is larger than the ${maximumBytes} bytes that are allowed.`, {
    status: 413,
  });
}
