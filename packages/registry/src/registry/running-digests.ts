import { createHash, type Hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type Digest, type DigestAlgorithm, finishDigest } from '../oci/digest.ts';
import type { SessionId } from '../oci/name.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import type { UploadRecord } from '../storage/metadata-store.ts';
import type { Hold } from './holds.ts';

/** The digest of a session's bytes so far. */
export interface RunningDigest {
  update(bytes: Uint8Array): void;
  /** Of all bytes so far; more may follow. */
  value(): Digest;
  /** Goes its own way from here. */
  copy(): RunningDigest;
  readonly sizeBytes: number;
}

/** Digests of sessions between their requests, so that a closing PUT reads nothing again.
 *
 *  An entry holds for the epoch after the one that kept it, and for bytes of the same number: then no other writer, of this process or another, came between. Nothing of
 *  it is stored: after a power cut the bytes that a row promised may not be there, so a session from before is read again. */
export interface RunningDigests {
  /** The digest of the first `sizeBytes` under the session's algorithm or another, from memory or by reading them again, which keeps the hold. */
  resume(
    hold: Pick<Hold, 'upload' | 'signal' | 'renewing'>,
    at: { readonly algorithm: DigestAlgorithm; readonly sizeBytes: number },
  ): Promise<RunningDigest>;
  /** Remembers the digest at the end of the epoch of `upload`. */
  keep(upload: UploadRecord, digest: RunningDigest): void;
  forget(session: SessionId): void;
}

/** Sessions whose digests are remembered; more than that are read again. A state is about 1 KiB. */
const maximumEntries = 1000;

export function createRunningDigests(blobs: Pick<BlobStore, 'readUpload'>): RunningDigests {
  const entries = new LRUCache<SessionId, { digest: RunningDigest; algorithm: DigestAlgorithm; epoch: number }>({
    max: maximumEntries,
  });
  return {
    async resume({ upload, signal, renewing }, { algorithm, sizeBytes }) {
      const entry = entries.get(upload.session);
      const holds =
        entry?.algorithm === algorithm && entry.epoch === upload.epoch - 1 && entry.digest.sizeBytes === sizeBytes;
      if (holds) return entry.digest.copy();
      const digest = startDigest(algorithm);
      if (sizeBytes === 0) return digest;
      for await (const bytes of renewing(blobs.readUpload(upload.key, signal))) digest.update(bytes);
      return digest;
    },
    keep(upload, digest) {
      entries.set(upload.session, { digest, algorithm: upload.algorithm, epoch: upload.epoch });
    },
    forget(session) {
      entries.delete(session);
    },
  };
}

function startDigest(algorithm: DigestAlgorithm): RunningDigest {
  return running(createHash(algorithm), algorithm, 0);
}

function running(hash: Hash, algorithm: DigestAlgorithm, initialBytes: number): RunningDigest {
  let sizeBytes = initialBytes;
  return {
    update(bytes) {
      hash.update(bytes);
      sizeBytes += bytes.byteLength;
    },
    value: () => finishDigest(hash.copy(), algorithm),
    copy: () => running(hash.copy(), algorithm, sizeBytes),
    get sizeBytes() {
      return sizeBytes;
    },
  };
}
