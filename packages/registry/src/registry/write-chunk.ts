import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/error.ts';
import { type ByteRange, formatUploadRange, lengthOf } from '../oci/range.ts';
import type { BlobStore, Bytes } from '../storage/blob-store.ts';
import type { Hold } from './holds.ts';
import type { RunningDigest, RunningDigests } from './running-digests.ts';

/** Bytes that a request brings. */
export interface Chunk {
  /** Where they belong in the blob; undefined: at the end of what is there. */
  readonly range: ByteRange | undefined;
  /** How many the request announced; undefined: as many as come. */
  readonly lengthBytes: number | undefined;
  readonly body: Bytes;
  readonly signal: AbortSignal;
}

/** An append that can be taken back. */
export interface Written {
  readonly sizeBytes: number;
  readonly digest: RunningDigest;
  undo(): Promise<void>;
}

/** Appends chunks to the sessions that are held; whatever comes of it, the session's running digest is that of its bytes. */
export function createChunkWriter(
  blobs: BlobStore,
  digests: RunningDigests,
): (hold: Hold, chunk: Chunk) => Promise<Written> {
  return async (hold, chunk) => {
    const { upload, signal, renewing } = hold;
    const { key, algorithm } = upload;
    const offsetBytes = await blobs.uploadSize(key);
    refuseMisplaced(chunk, offsetBytes);
    const before = await digests.resume(hold, { algorithm, sizeBytes: offsetBytes });
    const digest = before.copy();
    const undo = async () => {
      await blobs.truncate(key, offsetBytes);
      digests.keep(upload, before);
    };
    const isEmpty = chunk.lengthBytes === 0;
    const appending = isEmpty
      ? Promise.resolve(offsetBytes)
      : blobs.append(key, hashing(renewing(chunk.body), digest), { offsetBytes, signal });
    const sizeBytes = await appending.finally(() => digests.keep(upload, digest));
    const announcedBytes = chunk.range === undefined ? chunk.lengthBytes : lengthOf(chunk.range);
    if (announcedBytes !== undefined && sizeBytes - offsetBytes !== announcedBytes) {
      if (sizeBytes > offsetBytes) await undo();
      throw wrongLength(announcedBytes, sizeBytes - offsetBytes);
    }
    return { sizeBytes, digest, undo };
  };
}

async function* hashing(body: Bytes, digest: RunningDigest): Bytes {
  for await (const bytes of body) {
    digest.update(bytes);
    yield bytes;
  }
}

/** 416 for a chunk that does not begin where the session ends; `SIZE_INVALID` where its two lengths differ. */
export function refuseMisplaced({ range, lengthBytes }: Chunk, offsetBytes: number): void {
  if (range === undefined) return;
  if (range.start !== offsetBytes) {
    throw new OciError(
      'BLOB_UPLOAD_INVALID',
      `The upload has ${offsetBytes} bytes: the next chunk must begin at ${offsetBytes}, not ${range.start}.`,
      {
        status: 416,
        headers: { Range: formatUploadRange(offsetBytes) },
      },
    );
  }
  if (lengthBytes !== undefined && lengthBytes !== lengthOf(range)) throw wrongLength(lengthOf(range), lengthBytes);
}

/** More or fewer bytes came than were announced. */
export function wrongLength(announcedBytes: number, arrivedBytes: number): OciError {
  return new OciError(
    'SIZE_INVALID',
    `${announcedBytes} bytes were announced and ${arrivedBytes} arrived. Send them again.`,
  );
}

/** The bytes are not those of the digest. */
export function wrongDigest(wanted: Digest, computed: Digest): OciError {
  return new OciError('DIGEST_INVALID', `The content has the digest ${computed}, not ${wanted}.`, {
    detail: { digest: computed },
  });
}
