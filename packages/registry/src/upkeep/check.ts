import { createHash } from 'node:crypto';
import { algorithmOf, type Digest, digestOf, finishDigest } from '../oci/digest.ts';
import { OciError } from '../oci/error.ts';
import { type Manifest, parseManifest } from '../oci/manifest.ts';
import type { RepositoryName } from '../oci/name.ts';
import type { BlobCheck } from '../storage/blob-check.ts';
import type { StorageKey } from '../storage/blob-store.ts';
import { isStorageError } from '../storage/error.ts';
import type { BlobRows, IdPage, ManifestRows, MetadataCheck, Use } from '../storage/metadata-check.ts';

/** What puts a finding right. What was pushed comes back by pushing it again, once what is left of it is out of the way. */
export type Mend =
  /** Nothing here: a backup of the database. */
  | { readonly by: 'restore' }
  /** A statement of SQL. */
  | { readonly by: 'sql'; readonly sql: string }
  /** Pushing again, by any client. */
  | { readonly by: 'push' }
  /** Giving up the bytes of a blob, then pushing it again, to any repository. */
  | { readonly by: 'discard-blob'; readonly digest: Digest; readonly key: StorageKey | undefined }
  /** Removing a manifest and its tags, then pushing it again. */
  | {
      readonly by: 'remove-manifest';
      readonly repository: { readonly id: number; readonly name: RepositoryName };
      readonly digest: Digest;
    };

/** Something that is not as it should be. */
export interface Finding {
  readonly kind: 'damaged' | 'missing' | 'broken' | 'inconsistent';
  /** One sentence. */
  readonly message: string;
  /** What cannot be pulled because of it. */
  readonly uses: readonly Use[];
  readonly mend: Mend;
}

/** What a check looked at. */
export interface CheckSummary {
  readonly blobs: number;
  readonly manifests: number;
  /** Bytes of blobs that were read. */
  readonly readBytes: number;
  /** Files that nothing names: a sweep removes them once they are a day old. */
  readonly leftovers: { readonly files: number; readonly bytes: number };
}

/** What a check looks at, and how. */
export interface CheckNeeds {
  readonly metadata: MetadataCheck;
  readonly blobs: BlobCheck;
  /** Leaves out reading the bytes of files: their size alone is compared. */
  readonly isQuick: boolean;
  /** Whether manifests may name blobs that are not there. */
  readonly isSparse: boolean;
  /** Is told how much of the work is done, each time a little more is. */
  onProgress?(done: { readonly part: number; readonly of: number }): void;
}

const blobPage = 256;
/** A manifest may have some MiB. */
const manifestPage = 16;
const keyPage = 256;

/** Compares metadata and bytes, and yields what is not as it should be, as it is found. Changes nothing; safe beside a running registry: a row is written
 *  when its file is whole, and what looks wrong is looked at again in case that it was pushed or removed meanwhile. `unavailable` where it could not look. */
export async function* check(needs: CheckNeeds, signal: AbortSignal): AsyncGenerator<Finding, CheckSummary> {
  const { metadata, isQuick } = needs;
  const damage = await metadata.findDamage({ isQuick });
  for (const said of damage) {
    const message = `The database is damaged: ${said.replace(/\.$/, '')}.`;
    yield { kind: 'damaged', message, uses: [], mend: { by: 'restore' } };
  }
  if (damage.length > 0) return { blobs: 0, manifests: 0, readBytes: 0, leftovers: { files: 0, bytes: 0 } };
  for (const { message, sql } of await metadata.findContradictions()) {
    const mend: Mend = sql === undefined ? { by: 'restore' } : { by: 'sql', sql };
    yield { kind: 'inconsistent', message, uses: [], mend };
  }
  const leftovers = await countLeftovers(needs, signal); // first of the files: it says when their place is not there at all
  const manifests = yield* checkManifests(needs, signal);
  return { ...(yield* checkBlobs(needs, signal)), manifests, leftovers };
}

async function countLeftovers(
  { metadata, blobs }: CheckNeeds,
  signal: AbortSignal,
): Promise<CheckSummary['leftovers']> {
  let files = 0;
  let bytes = 0;
  let page = new Map<StorageKey, number>();
  async function countUnknown(): Promise<void> {
    const known = await metadata.findKnownKeys([...page.keys()]);
    for (const [key, sizeBytes] of page) {
      if (known.has(key)) continue;
      files += 1;
      bytes += sizeBytes;
    }
    page = new Map();
  }
  for await (const { key, sizeBytes } of blobs.list(signal)) {
    page.set(key, (page.get(key) ?? 0) + sizeBytes);
    if (page.size === keyPage) await countUnknown();
  }
  await countUnknown();
  return { files, bytes };
}

async function* checkManifests(needs: CheckNeeds, signal: AbortSignal): AsyncGenerator<Finding, number> {
  const { metadata } = needs;
  let count = 0;
  for await (const manifest of pagesOf((page) => metadata.listManifests(page), manifestPage)) {
    signal.throwIfAborted();
    count += 1;
    const { repository, digest } = manifest;
    const fault = faultOf(manifest, needs);
    if (fault === undefined) continue;
    const { kind, mend = { by: 'remove-manifest', repository, digest } } = fault;
    const use = { repository: repository.name, manifest: digest, tags: await metadata.findTags(manifest.id) };
    yield { kind, message: `The manifest ${digest} of ${repository.name} ${fault.says}.`, uses: [use], mend };
  }
  return count;
}

/** What is wrong with a manifest, which completes a sentence that begins with it. */
interface Fault {
  readonly kind: Finding['kind'];
  readonly says: string;
  readonly mend?: Mend;
}

function faultOf(rows: ManifestRows, { isSparse }: CheckNeeds): Fault | undefined {
  const { bytes, digest } = rows;
  if (bytes === undefined) return { kind: 'missing', says: 'has no bytes' };
  const computed = digestOf(bytes, algorithmOf(digest));
  if (computed !== digest) return { kind: 'broken', says: `has bytes of the digest ${computed}` };
  if (bytes.byteLength !== rows.sizeBytes) return { kind: 'inconsistent', says: 'is listed with another size' };
  const manifest = parseKnown(bytes, rows.mediaType);
  if (manifest === undefined) return undefined;
  const named = (edges: ManifestRows['edges']) =>
    edges
      .map((edge) => `${edge.kind} ${edge.digest}`)
      .sort()
      .join();
  if (named(manifest.edges) !== named(rows.edges) || manifest.subject !== rows.subject) {
    return { kind: 'inconsistent', says: 'names other content than its rows say' };
  }
  const missing = manifest.edges.filter((edge) => edge.required && rows.missing.has(edge.digest));
  if (isSparse || missing.length === 0) return undefined;
  const digests = missing.map((edge) => edge.digest).join(', ');
  return { kind: 'missing', says: `names ${digests}, which its repository does not hold`, mend: { by: 'push' } };
}

/** The manifest; undefined where an earlier version took what this one would refuse: what it names is not known then. */
function parseKnown(bytes: Uint8Array, mediaType: string): Manifest | undefined {
  try {
    return parseManifest(bytes, { contentType: mediaType, defaultMediaType: mediaType });
  } catch (error) {
    if (error instanceof OciError) return undefined;
    throw error;
  }
}

async function* checkBlobs(
  needs: CheckNeeds,
  signal: AbortSignal,
): AsyncGenerator<Finding, Pick<CheckSummary, 'blobs' | 'readBytes'>> {
  const { metadata } = needs;
  const { blobs, blobBytes } = await metadata.count();
  let count = 0;
  let seenBytes = 0;
  let readBytes = 0;
  const tell = () =>
    needs.onProgress?.(needs.isQuick ? { part: count, of: blobs } : { part: seenBytes + readBytes, of: blobBytes });
  for await (const blob of pagesOf((page) => metadata.listBlobs(page), blobPage)) {
    signal.throwIfAborted();
    count += 1;
    const fault = await faultOfBlob(blob, {
      needs,
      signal,
      onRead: (bytes) => {
        readBytes += bytes;
        tell();
      },
    });
    if (blob.content === undefined || 'bytes' in blob.content) seenBytes += blob.sizeBytes;
    tell();
    if (fault === undefined || !(await metadata.isCurrent(blob))) continue;
    const { digest, content } = blob;
    const uses = await metadata.findUses(digest);
    if (content === undefined && uses.length === 0) continue; // nobody waits for it
    const key = content !== undefined && 'key' in content ? content.key : undefined;
    const mend = fault.mend ?? { by: 'discard-blob', digest, key };
    yield { kind: fault.kind, message: `The blob ${digest} ${fault.says}.`, uses, mend };
  }
  return { blobs: count, readBytes };
}

async function faultOfBlob(
  { content, digest, sizeBytes }: BlobRows,
  { needs, signal, onRead }: { needs: CheckNeeds; signal: AbortSignal; onRead(bytes: number): void },
): Promise<Fault | undefined> {
  if (content === undefined) return { kind: 'missing', says: 'waits for its bytes', mend: { by: 'push' } };
  const hash = createHash(algorithmOf(digest));
  if ('bytes' in content) {
    if (content.bytes.byteLength !== sizeBytes) return wrongSize(content.bytes.byteLength, sizeBytes);
    hash.update(content.bytes);
  } else {
    const size = await needs.blobs.size(content.key);
    if (size === undefined) return { kind: 'missing', says: `has no file: ${content.key} is not there` };
    if (size !== sizeBytes) return wrongSize(size, sizeBytes);
    if (needs.isQuick) return undefined;
    try {
      for await (const bytes of needs.blobs.read(content.key, signal)) {
        hash.update(bytes);
        onRead(bytes.byteLength);
      }
    } catch (error) {
      if (!isStorageError(error)) throw error;
      return { kind: 'broken', says: `cannot be read from the file ${content.key}: ${error.message}` };
    }
  }
  const computed = finishDigest(hash, algorithmOf(digest));
  return computed === digest ? undefined : { kind: 'broken', says: `has bytes of the digest ${computed}` };
}

function wrongSize(isBytes: number, wantedBytes: number): Fault {
  return { kind: 'broken', says: `has ${isBytes} bytes of ${wantedBytes}` };
}

/** Everything that `list` gives, page by page. */
async function* pagesOf<Row extends { readonly id: number }>(
  list: (page: IdPage) => Promise<readonly Row[]>,
  limit: number,
): AsyncGenerator<Row, void> {
  for (let afterId = 0; ; ) {
    const page = await list({ afterId, limit });
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    afterId = last.id;
  }
}
