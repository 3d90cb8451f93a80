import type { Permit } from '../access/permit.ts';
import { algorithmOf, type Digest, digestOf } from '../oci/digest.ts';
import { OciError } from '../oci/error.ts';
import { parseManifest } from '../oci/manifest.ts';
import type { Reference, Tag } from '../oci/name.ts';
import { isStorageError } from '../storage/error.ts';
import type { ManifestRecord, TagCondition } from '../storage/metadata-store.ts';
import { actOf, existingId, leaseUntil, type Needs, pushOf } from './needs.ts';

/** A manifest as it is pushed. */
export interface ManifestPush {
  readonly reference: Reference;
  /** More tags to set, with a push by digest. */
  readonly tags: readonly Tag[];
  readonly bytes: Uint8Array;
  /** Media type of the request, without parameters. */
  readonly contentType: string | undefined;
  readonly condition: TagCondition | undefined;
}

/** What a push of a manifest came to. */
export interface PushedManifest {
  readonly digest: Digest;
  readonly subject: Digest | undefined;
  readonly tags: readonly Tag[];
  /** What the user should be told though the push succeeded. */
  readonly warnings: readonly string[];
}

/** Missing digests that a refusal lists: far more than an image has layers, and no more than an answer should hold. */
const maximumMissingTold = 1000;

/** Manifests of a registry. */
export interface Manifests {
  /** The manifest without its bytes. `MANIFEST_UNKNOWN`. */
  get(permit: Permit<'pull'>, reference: Reference): Promise<ManifestRecord>;
  /** The manifest and the bytes that were pushed. `MANIFEST_UNKNOWN`. */
  read(permit: Permit<'pull'>, reference: Reference): Promise<ManifestRecord & { readonly bytes: Uint8Array }>;
  /** Stores a manifest and sets its tags, all or nothing (end-7). `DIGEST_INVALID`, `MANIFEST_INVALID`, `MANIFEST_BLOB_UNKNOWN`; 412 where the condition does not hold. */
  push(permit: Permit<'push'>, push: ManifestPush): Promise<PushedManifest>;
  /** Deletes a tag, or a manifest with its tags (end-9). `MANIFEST_UNKNOWN`; 405 where deletes are switched off. */
  delete(permit: Permit<'delete'>, reference: Reference): Promise<void>;
}

export function createManifests(needs: Needs): Manifests {
  const { metadata, settings } = needs;

  return {
    async get(permit, reference) {
      const record = await metadata.findManifest(existingId(permit), reference);
      return record ?? unknownManifest(permit, reference);
    },
    async read(permit, reference) {
      const manifest = await metadata.readManifest(existingId(permit), reference);
      return manifest ?? unknownManifest(permit, reference);
    },
    async push(permit, { reference, tags: moreTags, bytes, contentType, condition }) {
      const digest = digestOf(bytes, reference.digest === undefined ? 'sha256' : algorithmOf(reference.digest));
      if (reference.digest !== undefined && reference.digest !== digest) {
        throw new OciError('DIGEST_INVALID', `The manifest has the digest ${digest}, not ${reference.digest}.`, {
          detail: { digest },
        });
      }
      const { defaultMediaType, sparse } = settings.manifests;
      const manifest = parseManifest(bytes, { contentType, defaultMediaType });
      const tags = [...new Set(reference.tag === undefined ? moreTags : [reference.tag, ...moreTags])];
      try {
        const { missing } = await metadata.putManifest({
          ...pushOf(permit, needs),
          digest,
          bytes,
          manifest,
          tags,
          condition,
          sparse,
        });
        return {
          digest,
          subject: manifest.subject,
          tags,
          warnings: [...typeWarnings(manifest), ...missingWarnings(missing)],
        };
      } catch (error) {
        throw toPushError(error);
      }
    },
    async delete(permit, reference) {
      // One switch for both: a tag must not be deleted by another way where deletes are off (CVE-2026-41888).
      if (!settings.deletes.manifests)
        throw new OciError('UNSUPPORTED', 'Deleting manifests and tags is switched off in this registry.');
      const act = { ...actOf(permit, needs), repositoryId: existingId(permit) };
      const isDeleted =
        reference.tag === undefined
          ? await metadata.deleteManifest({ ...act, digest: reference.digest, leaseUntilMs: leaseUntil(needs) })
          : await metadata.deleteTag({ ...act, tag: reference.tag });
      if (!isDeleted) unknownManifest(permit, reference);
    },
  };
}

function unknownManifest(permit: Permit, { tag, digest }: Reference): never {
  throw new OciError(
    'MANIFEST_UNKNOWN',
    `${permit.repository.name} has no ${tag === undefined ? `manifest ${digest}` : `tag ${tag}`}.`,
  );
}

function toPushError(error: unknown): unknown {
  if (isStorageError(error, 'precondition-failed')) {
    return new OciError(
      'MANIFEST_INVALID',
      'The tag is not what the condition of the request wants: somebody moved it. Read it and try again.',
      { status: 412, cause: error },
    );
  }
  if (!isStorageError(error, 'missing-content')) return error;
  const [first, ...others] = (error.detail as readonly Digest[]).slice(0, maximumMissingTold).map((digest) => ({
    message: `The manifest names ${digest}, which this repository does not have: push or mount it first.`,
    detail: { digest },
  }));
  return new OciError('MANIFEST_BLOB_UNKNOWN', first?.message, { detail: first?.detail, also: others, cause: error });
}

function typeWarnings({ declaresMediaType }: { readonly declaresMediaType: boolean }): readonly string[] {
  return declaresMediaType ? [] : ['The manifest has no mediaType field: whoever reads it must guess what it is.'];
}

function missingWarnings(missing: readonly Digest[]): readonly string[] {
  return missing.map((digest) => `The manifest names ${digest}, which this repository does not have.`);
}
