import type { Permit } from '../access/permit.ts';
import { algorithmOf, type Digest, digestOf } from '../oci/digest.ts';
import { OciError } from '../oci/error.ts';
import { type Manifest, parseManifest } from '../oci/manifest.ts';
import type { Reference, Tag } from '../oci/name.ts';
import { isStorageError } from '../storage/error.ts';
import type { ManifestRecord, PutManifest, StoredManifest, TagCondition } from '../storage/metadata-store.ts';
import type { ManifestFacts } from './events.ts';
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

type StoredBytes = ManifestRecord & { readonly bytes: Uint8Array };
type NewManifest = Pick<PutManifest, 'bytes' | 'manifest' | 'tags' | 'condition'> & { readonly facts: ManifestFacts };

/** Missing digests that a refusal lists: far more than an image has layers, and no more than an answer should hold. */
const maximumMissingTold = 1000;

/** Manifests of a registry. */
export interface Manifests {
  /** The manifest without its bytes. `MANIFEST_UNKNOWN`. */
  get(permit: Permit<'pull'>, reference: Reference): Promise<ManifestRecord>;
  /** The manifest and the bytes that were pushed. `MANIFEST_UNKNOWN`. */
  read(permit: Permit<'pull'>, reference: Reference): Promise<StoredBytes>;
  /** As `read`, with what stands in the document. */
  open(permit: Permit<'pull'>, reference: Reference): Promise<ManifestFacts & { readonly bytes: Uint8Array }>;
  /** Stores a manifest and sets its tags, all or nothing (end-7). `DIGEST_INVALID`, `MANIFEST_INVALID`, `MANIFEST_BLOB_UNKNOWN`; 412 where the condition does not hold. */
  push(permit: Permit<'push'>, push: ManifestPush): Promise<PushedManifest>;
  /** Points a tag at a manifest that is there, as a push of it would; returns its digest. `MANIFEST_UNKNOWN`, `MANIFEST_BLOB_UNKNOWN`. */
  tag(permit: Permit<'push'>, tag: Tag, reference: Reference): Promise<Digest>;
  /** Says when a tag is to go; undefined: never. `MANIFEST_UNKNOWN`. */
  expire(permit: Permit<'delete'>, tag: Tag, atMs: number | undefined): Promise<void>;
  /** Deletes a tag, or a manifest with its tags (end-9). `MANIFEST_UNKNOWN`; 405 where deletes are switched off. */
  delete(permit: Permit<'delete'>, reference: Reference): Promise<void>;
}

export function createManifests(needs: Needs): Manifests {
  const { metadata, settings, events } = needs;

  /** One switch for all: a tag must not be deleted by another way where deletes are off (CVE-2026-41888). */
  function checkDeletes(): void {
    if (settings.deletes.manifests) return;
    throw new OciError('UNSUPPORTED', 'Deleting manifests and tags is switched off in this registry.');
  }

  async function read(permit: Permit, reference: Reference): Promise<StoredBytes> {
    const manifest = await metadata.readManifest(existingId(permit), reference);
    return manifest ?? unknownManifest(permit, reference);
  }

  async function store(permit: Permit<'push'>, { facts, tags, ...push }: NewManifest): Promise<StoredManifest> {
    await events.ask(permit, () => ({ type: 'manifest-push', ...facts, tags }));
    try {
      const { digest } = facts;
      const { sparse } = settings.manifests;
      return await metadata.putManifest({ ...pushOf(permit, needs), ...push, digest, tags, sparse });
    } catch (error) {
      throw toPushError(error);
    }
  }

  function tellMoves(permit: Permit<'push'>, to: Digest, { moved }: StoredManifest): void {
    for (const move of moved) events.tell(permit, { type: 'tag-moved', ...move, to });
  }

  return {
    async get(permit, reference) {
      const record = await metadata.findManifest(existingId(permit), reference);
      return record ?? unknownManifest(permit, reference);
    },
    read,
    async open(permit, reference) {
      const stored = await read(permit, reference);
      return { ...factsOf(parseStored(stored), stored.digest, stored.sizeBytes), bytes: stored.bytes };
    },
    async push(permit, { reference, tags: moreTags, bytes, contentType, condition }) {
      const digest = digestOf(bytes, reference.digest === undefined ? 'sha256' : algorithmOf(reference.digest));
      if (reference.digest !== undefined && reference.digest !== digest) {
        throw new OciError('DIGEST_INVALID', `The manifest has the digest ${digest}, not ${reference.digest}.`, {
          detail: { digest },
        });
      }
      const { defaultMediaType } = settings.manifests;
      const manifest = parseManifest(bytes, { contentType, defaultMediaType });
      const facts = factsOf(manifest, digest, bytes.byteLength);
      const tags = [...new Set(reference.tag === undefined ? moreTags : [reference.tag, ...moreTags])];
      const stored = await store(permit, { facts, manifest, bytes, tags, condition });
      events.tell(permit, { type: 'manifest-pushed', ...facts, tags, isNew: stored.isNew });
      tellMoves(permit, digest, stored);
      const warnings = [...typeWarnings(manifest), ...missingWarnings(stored.missing)];
      return { digest, subject: manifest.subject, tags, warnings };
    },
    async tag(permit, tag, reference) {
      const content = await read(permit, reference);
      const { digest, bytes } = content;
      const manifest = parseStored(content);
      const facts = factsOf(manifest, digest, bytes.byteLength);
      const stored = await store(permit, { facts, manifest, bytes, tags: [tag], condition: undefined });
      tellMoves(permit, digest, stored);
      return digest;
    },
    async expire(permit, tag, atMs) {
      checkDeletes();
      const command = { repositoryId: existingId(permit), tag, expiresMs: atMs };
      if (!(await metadata.setTagExpiry(command))) unknownManifest(permit, { tag });
    },
    async delete(permit, reference) {
      checkDeletes();
      const act = { ...actOf(permit, needs), repositoryId: existingId(permit) };
      const { tag, digest } = reference;
      if (tag !== undefined) {
        await events.ask(permit, () => ({ type: 'tag-delete', tag }));
        const held = (await metadata.deleteTag({ ...act, tag })) ?? unknownManifest(permit, reference);
        events.tell(permit, { type: 'tag-deleted', tag, digest: held, isExpired: false });
        return;
      }
      await events.ask(permit, () => ({ type: 'manifest-delete', digest }));
      const deleted = await metadata.deleteManifest({ ...act, digest, leaseUntilMs: leaseUntil(needs) });
      for (const gone of deleted ?? unknownManifest(permit, reference)) {
        events.tell(permit, { type: 'tag-deleted', tag: gone, digest, isExpired: false });
      }
      events.tell(permit, { type: 'manifest-deleted', digest, isExpired: false });
    },
  };
}

function parseStored({ bytes, mediaType }: StoredBytes): Manifest {
  return parseManifest(bytes, { contentType: mediaType, defaultMediaType: mediaType });
}

function factsOf(manifest: Manifest, digest: Digest, sizeBytes: number): ManifestFacts {
  const { mediaType, artifactType, subject, annotations } = manifest;
  return { digest, mediaType, sizeBytes, artifactType, subject, annotations };
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
