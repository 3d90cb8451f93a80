import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { ExitError } from '../../exit-error.ts';

// Written down, as both are part of the digest. The compressed bytes are equal where the same zlib runs; another version of Node may bring another.
const level = 6;
const unknownSystem = 255;
const systemOffset = 9;

export type StoredGzip = {
  /** Of the compressed bytes. */
  readonly digest: string;
  readonly sizeBytes: number;
  /** Of the bytes before compression: an image's diff ID. */
  readonly contentDigest: string;
};

/** Compresses `content` into a new file that only its owner may read. The file does not tell time or system (RFC 1952, MTIME and OS). */
export async function storeGzip(content: AsyncIterable<Uint8Array>, file: string): Promise<StoredGzip> {
  const contentHash = createHash('sha256');
  const hash = createHash('sha256');
  let sizeBytes = 0;
  async function* counted() {
    for await (const bytes of content) {
      contentHash.update(bytes);
      yield bytes;
    }
  }
  async function* finished(compressed: AsyncIterable<Uint8Array>) {
    for await (const bytes of compressed) {
      const index = systemOffset - sizeBytes;
      if (index >= 0 && index < bytes.length) bytes[index] = unknownSystem;
      hash.update(bytes);
      sizeBytes += bytes.length;
      yield bytes;
    }
  }
  try {
    await pipeline(counted, createGzip({ level }), finished, createWriteStream(file, { flags: 'wx', mode: 0o600 }));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    throw new ExitError(`There is no room for ${file}: set TMPDIR to a directory on a larger disk.`, { cause: error });
  }
  return { digest: `sha256:${hash.digest('hex')}`, sizeBytes, contentDigest: `sha256:${contentHash.digest('hex')}` };
}
