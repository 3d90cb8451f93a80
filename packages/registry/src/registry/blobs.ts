import type { Access, Permit } from '../access/permit.ts';
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/error.ts';
import type { BlobContent } from '../storage/blob-store.ts';
import { isStorageError } from '../storage/error.ts';
import type { BlobRecord } from '../storage/metadata-store.ts';
import { existingId, leaseUntil, type Needs, pushOf } from './needs.ts';

/** Bytes of a blob: small ones are here, others come from the blob store. */
export type BlobBytes = { readonly kind: 'bytes'; readonly bytes: Uint8Array } | BlobContent;

/** A blob that a repository serves. */
export interface Blob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** `lengthBytes` from `offsetBytes` on, which lie within the blob. */
  read(offsetBytes: number, lengthBytes: number): BlobBytes;
}

/** Blobs of a registry. */
export interface Blobs {
  /** `BLOB_UNKNOWN` where the repository does not hold it, wherever else it may lie. */
  get(permit: Permit<'pull'>, digest: Digest): Promise<Blob>;
  /** As `get`, for a client that asks whether it must push: it may rely on the answer for the time of the lease. */
  promise(permit: Permit<'pull'>, digest: Digest): Promise<Blob>;
  /** Links a blob of another repository (end-11). False where that one does not hold it. */
  mount(from: Permit<'pull'>, to: Permit<'push'>, digest: Digest): Promise<boolean>;
  /** As `mount`, from any repository that the caller may pull. */
  mountFromAnywhere(access: Access, to: Permit<'push'>, digest: Digest): Promise<boolean>;
  /** Takes the blob from the repository (end-10). `BLOB_UNKNOWN`; 405 while a manifest of the repository names it, or where deletes are switched off. */
  delete(permit: Permit<'delete'>, digest: Digest): Promise<void>;
}

/** Repositories that are asked when a mount names no source. */
const maximumMountCandidates = 32;

export function createBlobs(needs: Needs): Blobs {
  const { metadata, blobs, settings, sources, events } = needs;

  async function find(permit: Permit<'pull'>, digest: Digest): Promise<BlobRecord> {
    const record = await metadata.findBlob(existingId(permit), digest);
    if (record === undefined) throw new OciError('BLOB_UNKNOWN', `${permit.repository.name} has no blob ${digest}.`);
    return record;
  }

  function toBlob({ digest, sizeBytes, content }: BlobRecord): Blob {
    return {
      digest,
      sizeBytes,
      read: (offsetBytes, lengthBytes) =>
        'bytes' in content
          ? { kind: 'bytes', bytes: content.bytes.subarray(offsetBytes, offsetBytes + lengthBytes) }
          : blobs.read(content.key, { offsetBytes, lengthBytes }),
    };
  }

  async function mount(from: Permit<'pull'>, to: Permit<'push'>, digest: Digest): Promise<boolean> {
    const { id } = from.repository;
    const source = id === undefined ? undefined : await metadata.findBlob(id, digest);
    if (id === undefined || source === undefined) return false;
    const mountedFrom = from.repository.name;
    await events.ask(to, () => ({ type: 'blob-push', digest, sizeBytes: source.sizeBytes, mountedFrom }));
    const command = { ...pushOf(to, needs), fromRepositoryId: id, digest, leaseUntilMs: leaseUntil(needs) };
    if (!(await metadata.mountBlob(command))) return false;
    events.tell(to, { type: 'blob-pushed', digest, sizeBytes: source.sizeBytes, mountedFrom });
    return true;
  }

  return {
    get: async (permit, digest) => toBlob(await find(permit, digest)),
    async promise(permit, digest) {
      const record = await find(permit, digest);
      const isLate = record.leaseUntilMs - sources.now() < (settings.push.leaseSeconds * 1000) / 2;
      if (isLate)
        await metadata.renewBlobLease({ repositoryId: existingId(permit), digest, leaseUntilMs: leaseUntil(needs) });
      return toBlob(record);
    },
    mount,
    async mountFromAnywhere(access, to, digest) {
      for (const { name } of await metadata.findRepositoriesWithBlob(digest, maximumMountCandidates)) {
        const from = await access.findPermit(to.caller, { action: 'pull', name });
        if (from !== undefined && (await mount(from, to, digest))) return true;
      }
      return false;
    },
    async delete(permit, digest) {
      if (!settings.deletes.blobs)
        throw new OciError('UNSUPPORTED', 'Deleting blobs is switched off in this registry.');
      await events.ask(permit, () => ({ type: 'blob-delete', digest }));
      try {
        const isDeleted = await metadata.deleteBlob({ repositoryId: existingId(permit), digest });
        if (!isDeleted) throw new OciError('BLOB_UNKNOWN', `${permit.repository.name} has no blob ${digest}.`);
        events.tell(permit, { type: 'blob-deleted', digest });
      } catch (error) {
        if (!isStorageError(error, 'in-use')) throw error;
        throw new OciError(
          'UNSUPPORTED',
          `The manifest ${String(error.detail)} names this blob: delete the manifest first.`,
          { detail: { manifest: error.detail }, cause: error },
        );
      }
    },
  };
}
