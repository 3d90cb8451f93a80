import { OciError } from '../oci/error.ts';
import type { Bytes } from '../storage/blob-store.ts';

/** Blobs up to this size lie in the metadata store, so that a configuration or a signature costs one flush and no file. */
export const inlineLimitBytes: number = 16 * 1024;

/** All bytes of a body in one piece of exactly their size; 413 as soon as there are more than `maximumBytes`. */
export function collect(body: Bytes, maximumBytes: number): Promise<Uint8Array> {
  return gather(body, [], maximumBytes);
}

/** As `collect`; what came before the body broke off is in `parts`. */
export async function gather(body: Bytes, parts: Uint8Array[], maximumBytes: number): Promise<Uint8Array> {
  let sizeBytes = 0;
  for await (const part of body) {
    sizeBytes += part.byteLength;
    if (sizeBytes > maximumBytes) throw tooLarge(maximumBytes);
    parts.push(new Uint8Array(part)); // a copy: the chunk is its source's again with the next one
  }
  const whole = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}

/** The body is larger than is allowed. */
export function tooLarge(maximumBytes: number): OciError {
  return new OciError('SIZE_INVALID', `The body is larger than the ${maximumBytes} bytes that are allowed.`, {
    status: 413,
  });
}

/** A body of bytes that are here already. */
export async function* bytesOf(parts: readonly Uint8Array[]): Bytes {
  yield* parts;
}
