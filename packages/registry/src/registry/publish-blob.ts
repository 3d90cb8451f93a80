import type { Permit } from '../access/permit.ts';
import type { Digest } from '../oci/digest.ts';
import type { BlobStore, StorageKey } from '../storage/blob-store.ts';
import { collect } from './collect.ts';
import { type FoundUpload, isUntouched } from './holds.ts';
import { leaseUntil, type Needs, pushOf } from './needs.ts';
import type { RunningDigests } from './running-digests.ts';

/** Blobs up to this size lie in the metadata store, so that a configuration or a signature costs one flush and no file. */
export const inlineLimitBytes: number = 16 * 1024;

/** What a push of a blob came to. */
export interface PushedBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Makes a blob of bytes whose digest was checked. */
export interface Publish {
  /** Of what lies in the store under a session, which ends with it; `knownBytes` are the same, where they are at hand. */
  session(found: FoundUpload, blob: PushedBlob, knownBytes?: Uint8Array): Promise<PushedBlob>;
  /** Of bytes that came without a session. */
  small(permit: Permit<'push'>, bytes: Uint8Array, digest: Digest): Promise<PushedBlob>;
}

export function createPublish(needs: Needs, digests: RunningDigests): Publish {
  const { metadata, blobs, sources, events } = needs;

  /** Runs `store` between the hooks. */
  async function published(permit: Permit<'push'>, blob: PushedBlob, store: () => Promise<void>): Promise<PushedBlob> {
    await events.ask(permit, () => ({ type: 'blob-push', ...blob, mountedFrom: undefined }));
    await store();
    events.tell(permit, { type: 'blob-pushed', ...blob, mountedFrom: undefined });
    return blob;
  }

  return {
    session: ({ permit, repositoryId, upload }, blob, knownBytes) =>
      published(permit, blob, async () => {
        const { key, session, epoch } = upload;
        const isSmall = blob.sizeBytes <= inlineLimitBytes;
        const bytes = isSmall ? (knownBytes ?? (await readSmall(blobs, key, blob.sizeBytes))) : undefined;
        if (bytes === undefined) await blobs.publish(key);
        const { unneededKey } = await metadata.publishBlob({
          ...blob,
          repositoryId,
          session,
          epoch,
          bytes,
          nowMs: sources.now(),
          leaseUntilMs: leaseUntil(needs),
        });
        digests.forget(session);
        if (unneededKey !== undefined && !isUntouched(upload)) await removeBytes(blobs, unneededKey);
      }),
    small: (permit, bytes, digest) =>
      published(permit, { digest, sizeBytes: bytes.byteLength }, () =>
        metadata.putSmallBlob({ ...pushOf(permit, needs), digest, bytes, leaseUntilMs: leaseUntil(needs) }),
      ),
  };
}

/** Removes what nothing names any more. What cannot be removed now is a leftover, which a sweep takes. */
export async function removeBytes(blobs: BlobStore, key: StorageKey): Promise<void> {
  await blobs.remove(key).catch(() => undefined);
}

function readSmall(blobs: BlobStore, key: StorageKey, sizeBytes: number): Promise<Uint8Array> {
  if (sizeBytes === 0) return Promise.resolve(new Uint8Array());
  return collect(blobs.readUpload(key, new AbortController().signal), inlineLimitBytes);
}
