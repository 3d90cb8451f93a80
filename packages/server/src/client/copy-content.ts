import { ExitError } from '../exit-error.ts';
import { blobsAtOnce, eachAtOnce } from './at-once.ts';
import { readForPlatform } from './choose-manifest.ts';
import type { Progress } from './progress.ts';
import { type Reference, wantedOf } from './reference.ts';
import { openBlob } from './registry/blobs.ts';
import { blobsOf, type Descriptor, type Platform } from './registry/manifest-document.ts';
import { findManifest, hasManifest, putManifest, type ReadManifest, readManifest } from './registry/manifests.ts';
import { isManifestType } from './registry/media-types.ts';
import { addTagged, cosignTags, describe, listReferrers } from './registry/referrers.ts';
import type { RegistryClient } from './registry/registry-client.ts';
import type { Uploader } from './registry/uploader.ts';

/** From where to where. */
export interface CopyNeeds {
  readonly from: { readonly client: RegistryClient; readonly reference: Reference };
  readonly to: { readonly client: RegistryClient; readonly reference: Reference; readonly uploader: Uploader };
  readonly progress: Progress;
}

/** What is copied beside what was named. */
export interface CopyOptions {
  /** Of an index the one child for it; else the whole index. */
  readonly platform?: Platform | undefined;
  /** What refers to it: signatures, lists of contents, attestations. */
  readonly hasReferrers: boolean;
}

/** Copies a manifest with all that it names, byte for byte: blobs first, children before the index that names them, then what refers to them. Blobs stream from one registry to the other,
 *  from where the upload is. Returns the digest. */
export async function copyContent(needs: CopyNeeds, { platform, hasReferrers }: CopyOptions): Promise<string> {
  const { from, to } = needs;
  const { repository } = from.reference;
  const wanted = wantedOf(from.reference);
  const root =
    platform === undefined
      ? await readManifest(from.client, repository, wanted)
      : await readForPlatform(from.client, { repository, wanted }, platform);
  const { tag, digest: expected } = to.reference;
  if (expected !== undefined && expected !== root.digest) {
    throw new ExitError(`What is to be copied has the digest ${root.digest}, not ${expected}: nothing was copied.`);
  }
  const copier = createCopier(needs, hasReferrers);
  await copier.copy(root, tag ?? root.digest);
  if (hasReferrers) await copier.copyCosign(root.digest);
  return root.digest;
}

/** An end to what hostile registries can make of references that lead to references. */
const mostManifests = 10_000;

function createCopier({ from, to, progress }: CopyNeeds, hasReferrers: boolean) {
  const source = from.reference.repository;
  const target = to.reference.repository;
  const isSameRegistry = from.client.origin === to.client.origin;
  const seen = new Set<string>();
  const blobs = new Set<string>();

  async function copyBlob(blob: Descriptor): Promise<void> {
    const item = progress.begin(blob);
    const open = (offset?: number) => openBlob(from.client, { repository: source, ...blob }, offset);
    const mountFrom = isSameRegistry ? source : undefined;
    item.end(await to.uploader.push({ ...blob, open }, { mountFrom, onPosition: item.at }));
  }

  async function copyByDigest(digest: string): Promise<void> {
    if (!seen.has(digest)) await copy(await readManifest(from.client, source, digest), digest);
  }

  /** Under `wanted`, a tag or its digest. */
  async function copy(manifest: ReadManifest, wanted: string): Promise<void> {
    const { digest, document, bytes } = manifest;
    const { mediaType } = document;
    seen.add(digest);
    if (seen.size > mostManifests)
      throw new ExitError(`There are more than ${mostManifests} manifests to copy: this cannot be meant.`);
    const missing = blobsOf(document, isManifestType).filter((blob) => !blobs.has(blob.digest) && !liesElsewhere(blob));
    for (const blob of missing) blobs.add(blob.digest);
    // A manifest that is there has its blobs there, too; what refers to its children may be new.
    if (!(await hasManifest(to.client, target, digest))) await eachAtOnce(missing, blobsAtOnce, copyBlob);
    for (const child of document.manifests) if (isManifestType(child.mediaType)) await copyByDigest(child.digest);
    const { listsReferrers } = await putManifest(to.client, { repository: target, wanted, bytes, mediaType });
    if (document.subject !== undefined && !listsReferrers) {
      await addTagged(to.client, { repository: target, subject: document.subject.digest }, describe(manifest));
    }
    if (!hasReferrers) return;
    for (const referrer of await listReferrers(from.client, source, digest)) await copyByDigest(referrer.digest);
  }

  return {
    copy,
    /** What cosign keeps under tags of its own. */
    async copyCosign(digest: string): Promise<void> {
      for (const tag of cosignTags(digest)) {
        if ((await findManifest(from.client, source, tag)) === undefined) continue;
        await copy(await readManifest(from.client, source, tag), tag);
      }
    },
  };
}

/** Layers that may not be distributed stay where their URLs say. */
function liesElsewhere({ mediaType }: Descriptor): boolean {
  return /nondistributable|\.foreign\./.test(mediaType);
}
