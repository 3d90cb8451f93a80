// What comes from a registry is believed only as far as it was checked: sizes while reading, digests at the end, unpacked sizes against a limit.
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { OciError, parseDigest } from '@moorage/registry';
import { ExitError } from '../../exit-error.ts';
import { formatBytes } from '../byte-size.ts';

export type Descriptor = { readonly digest: string; readonly size: number };

/** The bytes of a blob, whose reader has them all only when no `ExitError` told that their size or digest is not the descriptor's. */
export type VerifiedBlob = {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Refuses a blob that was not read to its end, which nothing has checked then. */
  requireVerified(): void;
};

/** Checks the bytes while they pass. */
export function verifiedBlob(source: AsyncIterable<Uint8Array>, descriptor: Descriptor): VerifiedBlob {
  const { digest, size } = descriptor;
  const [algorithm = ''] = parseKnownDigest(digest).split(':', 1);
  let verified = false;
  async function* bytes() {
    const hash = createHash(algorithm);
    let read = 0;
    for await (const chunk of source) {
      read += chunk.length;
      if (read > size) throw new ExitError(`The registry sends more of ${digest} than its ${size} bytes.`);
      hash.update(chunk);
      yield chunk;
    }
    if (read < size) throw new ExitError(`The registry sent ${read} of the ${size} bytes of ${digest}: try again.`);
    const actual = `${algorithm}:${hash.digest('hex')}`;
    if (actual !== digest) throw new ExitError(`The registry sent other bytes than those of ${digest}: ${actual}.`);
    verified = true;
  }
  return {
    bytes: bytes(),
    requireVerified() {
      if (!verified) throw new ExitError(`${digest} has bytes behind the end of its archive.`);
    },
  };
}

/** All bytes of a small blob; refuses with an `ExitError` one that says it has more than `maxBytes`. */
export async function readBlob(
  source: AsyncIterable<Uint8Array>,
  descriptor: Descriptor,
  maxBytes: number,
): Promise<Uint8Array> {
  if (descriptor.size > maxBytes) throw new ExitError(`${descriptor.digest} is too large: ${descriptor.size} bytes.`);
  return Buffer.concat(await Array.fromAsync(verifiedBlob(source, descriptor).bytes));
}

/** The bytes of an archive without its compression, which its first bytes tell: gzip, zstd or none. `place` stands in the `ExitError` about broken bytes. */
export async function* decompressed(source: AsyncIterable<Uint8Array>, place: string): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  let start: Uint8Array = new Uint8Array();
  while (start.length < 4) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    start = Buffer.concat([start, value]);
  }
  async function* whole() {
    yield start;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  const magic = Buffer.from(start.subarray(0, 4)).toString('hex');
  if (magic.startsWith('1f8b')) yield* throughDecoder(whole(), createGunzip(), place);
  else if (magic === '28b52ffd') yield* throughDecoder(whole(), createZstdDecompress(), place);
  else yield* whole();
}

async function* throughDecoder(
  source: AsyncIterable<Uint8Array>,
  decoder: ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>,
  place: string,
): AsyncGenerator<Uint8Array> {
  const fed = pipeline(source, decoder, { end: true });
  // The decoder's reader below gets the same error first.
  fed.catch(() => undefined);
  try {
    yield* decoder;
    await fed;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && /^(Z_|ZSTD_|ERR_ZLIB)/.test(String(error.code)))) throw error;
    throw new ExitError(`${place} is broken: ${error.message}.`, { cause: error });
  }
}

export type UnpackLimits = { readonly maxBytes: number; readonly maxEntries: number };

/** What is left of the limits. */
export type Budget = {
  /** Passes the bytes on while they are within the limit, else an `ExitError`. */
  counted(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array>;
  addEntry(): void;
};

/** Counts what is unpacked, over all blobs together: a few compressed kilobytes can be gigabytes. */
export function createBudget({ maxBytes, maxEntries }: UnpackLimits): Budget {
  let bytes = 0;
  let entries = 0;
  return {
    async *counted(source) {
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw new ExitError(`This unpacks to more than ${formatBytes(maxBytes)}, the limit.`);
        yield chunk;
      }
    },
    addEntry() {
      entries += 1;
      if (entries > maxEntries) throw new ExitError(`This unpacks to more than ${maxEntries} files, the limit.`);
    },
  };
}

function parseKnownDigest(text: string): string {
  try {
    return parseDigest(text);
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    throw new ExitError(error.message, { cause: error });
  }
}
