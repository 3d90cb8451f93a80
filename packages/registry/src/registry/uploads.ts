import type { Permit } from '../access/permit.ts';
import { algorithmOf, type Digest, type DigestAlgorithm, digestOf } from '../oci/digest.ts';
import { OciError } from '../oci/error.ts';
import { parseSessionId, type SessionId } from '../oci/name.ts';
import { type Bytes, parseStorageKey } from '../storage/blob-store.ts';
import type { UploadRecord } from '../storage/metadata-store.ts';
import { collect, createCollector } from './collect.ts';
import { createHolds, type FoundUpload, isUntouched, toUploadError } from './holds.ts';
import { type Needs, pushOf } from './needs.ts';
import { createPublish, inlineLimitBytes, type PushedBlob, removeBytes } from './publish-blob.ts';
import { createRunningDigests } from './running-digests.ts';
import { type Chunk, createChunkWriter, refuseMisplaced, wrongDigest, wrongLength } from './write-chunk.ts';

/** Upload sessions: how bytes become a blob. A session that is not of the permit's repository is `BLOB_UPLOAD_UNKNOWN`; one that another request writes to is 409.
 *
 *  Invariant: a blob is published only when the bytes that lie in the store were hashed, as they arrived or by reading them again. */
export interface Uploads {
  /** Begins a session (end-4a, end-4c). */
  open(permit: Permit<'push'>, options: { readonly algorithm: DigestAlgorithm }): Promise<SessionId>;
  /** Pushes a blob without a session of the caller's (end-4b). `DIGEST_INVALID`, `SIZE_INVALID`. */
  push(permit: Permit<'push'>, blob: Omit<Chunk, 'range'> & { readonly digest: Digest }): Promise<PushedBlob>;
  /** Pushes a blob whose digest is known only when its body has ended. */
  pushUnnamed(permit: Permit<'push'>, blob: Pick<Chunk, 'body' | 'signal'>): Promise<PushedBlob>;
  /** Appends (end-5); returns the size so far in bytes. What arrived is kept when the body breaks off. Out of order: 416 with the session's state. */
  append(permit: Permit<'push'>, session: SessionId, chunk: Chunk): Promise<number>;
  /** Appends the last bytes, if any, and makes the blob (end-6). `DIGEST_INVALID` takes back the bytes of this call and leaves the session usable. */
  finish(permit: Permit<'push'>, session: SessionId, last: Chunk & { readonly digest: Digest }): Promise<PushedBlob>;
  /** Bytes so far (end-13). */
  size(permit: Permit<'push'>, session: SessionId): Promise<number>;
  /** Ends the session and drops its bytes (end-14). */
  cancel(permit: Permit<'push'>, session: SessionId): Promise<void>;
}

export function createUploads(needs: Needs): Uploads {
  const { metadata, blobs, sources, events } = needs;
  const holds = createHolds(metadata, sources);
  const digests = createRunningDigests(blobs);
  const write = createChunkWriter(blobs, digests);
  const publish = createPublish(needs, digests);

  async function find(permit: Permit<'push'>, session: SessionId): Promise<FoundUpload> {
    const { id } = permit.repository;
    const upload = id === undefined ? undefined : await metadata.findUpload(id, session);
    if (id === undefined || upload === undefined || isExpired(upload, needs)) throw new OciError('BLOB_UPLOAD_UNKNOWN');
    return { permit, repositoryId: id, upload };
  }

  async function append(found: FoundUpload, chunk: Chunk): Promise<number> {
    return holds.hold(found, chunk.signal, async (hold) => {
      const { sizeBytes } = await write(hold, chunk);
      await hold.release();
      return sizeBytes;
    });
  }

  async function finishLarge(found: FoundUpload, last: Chunk & { readonly digest: Digest }): Promise<PushedBlob> {
    return holds.hold(found, last.signal, async (hold) => {
      const { sizeBytes, digest, undo } = await write(hold, last);
      const algorithm = algorithmOf(last.digest);
      const computed =
        algorithm === hold.upload.algorithm ? digest : await digests.resume(hold, { algorithm, sizeBytes });
      if (computed.value() !== last.digest) {
        await undo();
        throw wrongDigest(last.digest, computed.value());
      }
      await hold.refresh();
      return publish.session({ ...found, upload: hold.upload }, { digest: last.digest, sizeBytes });
    });
  }

  /** A small blob in one piece needs no hold and no file: the command that publishes compares the epoch that was read here. */
  async function finishSmall(found: FoundUpload, last: Chunk & { readonly digest: Digest }): Promise<PushedBlob> {
    holds.refuseHeld(found.upload);
    const collector = createCollector(inlineLimitBytes);
    try {
      for await (const part of last.body) collector.add(part);
    } catch (error) {
      // Too many bytes are no beginning to go on from, as with a wrong length.
      if (!(error instanceof OciError)) await append(found, beginning(collector.bytes()));
      throw error;
    }
    const bytes = checked(collector.bytes(), last);
    try {
      return await publish.session(found, { digest: last.digest, sizeBytes: bytes.byteLength }, bytes);
    } catch (error) {
      throw toUploadError(error);
    }
  }

  async function sizeOf({ upload }: FoundUpload): Promise<number> {
    return isUntouched(upload) ? 0 : blobs.uploadSize(upload.key);
  }

  async function finish(found: FoundUpload, last: Chunk & { readonly digest: Digest }): Promise<PushedBlob> {
    const isSmall = last.lengthBytes !== undefined && last.lengthBytes > 0 && last.lengthBytes <= inlineLimitBytes;
    if (!isSmall || (await sizeOf(found)) > 0) return finishLarge(found, last);
    refuseMisplaced(last, 0);
    return finishSmall(found, last);
  }

  async function open(permit: Permit<'push'>, algorithm: DigestAlgorithm): Promise<FoundUpload> {
    await blobs.checkSpace();
    const session = toSessionId(sources.randomId());
    const key = parseStorageKey(sources.randomId());
    const { repositoryId } = await metadata.openUpload({ ...pushOf(permit, needs), session, key, algorithm });
    return {
      permit,
      repositoryId,
      upload: { session, key, algorithm, epoch: 0, leaseUntilMs: 0, usedMs: sources.now() },
    };
  }

  async function cancel(found: FoundUpload): Promise<void> {
    const { session } = found.upload;
    const key = await metadata.cancelUpload({ repositoryId: found.repositoryId, session });
    digests.forget(session);
    if (key !== undefined) await removeBytes(blobs, key);
  }

  /** Runs `push` in a session of its own. */
  async function inSession(
    permit: Permit<'push'>,
    algorithm: DigestAlgorithm,
    push: (found: FoundUpload) => Promise<PushedBlob>,
  ): Promise<PushedBlob> {
    const found = await open(permit, algorithm);
    try {
      return await push(found);
    } catch (error) {
      // The client was never told of the session, so nobody can go on with it. If it cannot be cancelled it expires.
      await cancel(found).catch(() => undefined);
      throw error;
    }
  }

  return {
    async open(permit, { algorithm }) {
      await events.ask(permit, () => ({ type: 'upload' }));
      return (await open(permit, algorithm)).upload.session;
    },
    pushUnnamed: (permit, { body, signal }) =>
      inSession(permit, 'sha256', (found) =>
        holds.hold(found, signal, async (hold) => {
          const { sizeBytes, digest } = await write(hold, { body, signal, range: undefined, lengthBytes: undefined });
          await hold.refresh();
          return publish.session({ ...found, upload: hold.upload }, { digest: digest.value(), sizeBytes });
        }),
      ),
    append: async (permit, session, chunk) => append(await find(permit, session), chunk),
    finish: async (permit, session, last) => finish(await find(permit, session), last),
    cancel: async (permit, session) => cancel(await find(permit, session)),
    size: async (permit, session) => sizeOf(await find(permit, session)),
    async push(permit, blob) {
      const isSmall = blob.lengthBytes !== undefined && blob.lengthBytes <= inlineLimitBytes;
      if (!isSmall) {
        return inSession(permit, algorithmOf(blob.digest), (found) =>
          finishLarge(found, { ...blob, range: undefined }),
        );
      }
      await blobs.checkSpace();
      const bytes = checked(await collect(blob.body, inlineLimitBytes), blob);
      return publish.small(permit, bytes, blob.digest);
    },
  };
}

/** A session ends by its time, whether or not a sweep has taken it yet, but not under its writer. */
function isExpired({ usedMs, leaseUntilMs }: UploadRecord, { settings, sources }: Needs): boolean {
  const nowMs = sources.now();
  return usedMs < nowMs - settings.uploads.ttlSeconds * 1000 && leaseUntilMs <= nowMs;
}

/** What arrived of a body that broke off: it is kept only where no other writer's bytes came to lie. */
function beginning(bytes: Uint8Array): Chunk {
  const lengthBytes = bytes.byteLength;
  async function* body(): Bytes {
    yield bytes;
  }
  return { body: body(), range: { start: 0, end: lengthBytes - 1 }, lengthBytes, signal: new AbortController().signal };
}

/** The bytes of a small blob, if they are what was announced. */
function checked(
  bytes: Uint8Array,
  { digest, lengthBytes }: { digest: Digest; lengthBytes: number | undefined },
): Uint8Array {
  if (lengthBytes !== undefined && bytes.byteLength !== lengthBytes) throw wrongLength(lengthBytes, bytes.byteLength);
  const computed = digestOf(bytes, algorithmOf(digest));
  if (computed !== digest) throw wrongDigest(digest, computed);
  return bytes;
}

/** 128 random bits as they are written in a session's URL. */
function toSessionId(hex: string): SessionId {
  return parseSessionId(
    `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`,
  );
}
