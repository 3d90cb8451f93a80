import { formatBytes } from './byte-size.ts';
import { shortDigest } from './progress.ts';
import { formatReference, type Reference, wantedOf } from './reference.ts';
import { type Descriptor, formatPlatform, type ManifestDocument } from './registry/manifest-document.ts';
import { type ReadManifest, readManifest } from './registry/manifests.ts';
import { isIndexType } from './registry/media-types.ts';
import { listReferrers } from './registry/referrers.ts';
import type { RegistryClient } from './registry/registry-client.ts';

/** What a registry has under a reference. */
export interface Inspection {
  readonly reference: string;
  readonly manifest: ReadManifest;
  /** Of an image or artifact all of its content, in bytes, the manifest included; of an index its children's manifests alone. */
  readonly sizeBytes: number;
  readonly referrers: readonly Descriptor[];
}

/** Looks at a manifest and at what refers to it; no blob is read. */
export async function inspectContent(client: RegistryClient, reference: Reference): Promise<Inspection> {
  const { repository } = reference;
  const manifest = await readManifest(client, repository, wantedOf(reference));
  const referrers = await listReferrers(client, repository, manifest.digest);
  const { config, layers, manifests } = manifest.document;
  const named = [...(config === undefined ? [] : [config]), ...layers, ...manifests];
  const sizeBytes = manifest.bytes.length + named.reduce((sum, { size }) => sum + size, 0);
  return {
    reference: formatReference(reference, manifest.digest),
    manifest,
    sizeBytes,
    referrers,
  };
}

/** For programs: stable names, the manifest as it is. */
export function inspectionJson({ reference, manifest, sizeBytes, referrers }: Inspection): object {
  const { digest, document, bytes } = manifest;
  return {
    reference,
    digest,
    mediaType: document.mediaType,
    artifactType: artifactTypeOf(document) ?? null,
    size: sizeBytes,
    platforms: document.manifests.map(({ platform, digest, size }) => ({
      platform: platform === undefined ? null : formatPlatform(platform),
      digest,
      size,
    })),
    referrers,
    manifest: JSON.parse(new TextDecoder().decode(bytes)),
  };
}

/** For people. */
export function inspectionLines({ reference, manifest, sizeBytes, referrers }: Inspection): readonly string[] {
  const { digest, document } = manifest;
  const { config, layers, manifests, subject, annotations } = document;
  const artifactType = artifactTypeOf(document);
  const facts = [
    ['reference', reference],
    ['digest', digest],
    ['media type', document.mediaType],
    ...(artifactType === undefined ? [] : [['artifact type', artifactType]]),
    ...(isIndexType(document.mediaType) ? [] : [['size', formatBytes(sizeBytes)]]),
    ...(subject === undefined ? [] : [['refers to', subject.digest]]),
    ...Object.entries(annotations).map(([key, value]) => [key, value]),
  ];
  return [
    ...align(facts),
    ...section('children', manifests.map(childRow)),
    ...section('content', [...(config === undefined ? [] : [config]), ...layers].map(contentRow)),
    ...section(
      'referrers',
      referrers.map((other) => [other.digest, other.artifactType ?? other.mediaType]),
    ),
  ];
}

function artifactTypeOf({ artifactType, config }: ManifestDocument): string | undefined {
  const isImage =
    config?.mediaType === undefined || /(?:oci\.image\.config|docker\.container\.image)/.test(config.mediaType);
  return artifactType ?? (isImage ? undefined : config.mediaType);
}

function childRow({ platform, digest, mediaType, annotations }: Descriptor): readonly string[] {
  const kind = annotations?.['vnd.docker.reference.type'];
  return [platform === undefined ? '' : formatPlatform(platform), digest, kind ?? mediaType];
}

function contentRow({ digest, size, mediaType, annotations }: Descriptor): readonly string[] {
  return [shortDigest(digest), formatBytes(size), annotations?.['org.opencontainers.image.title'] ?? mediaType];
}

function section(title: string, rows: readonly (readonly string[])[]): readonly string[] {
  return rows.length === 0 ? [] : ['', `${title}:`, ...align(rows).map((row) => `  ${row}`)];
}

/** Columns two spaces apart, without what could move the cursor of a terminal. */
function align(rows: readonly (readonly string[])[]): readonly string[] {
  const clean = rows.map((row) => row.map((cell) => cell.replace(/\p{C}/gu, '?')));
  const widths = clean.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(cell.length, most[i] ?? 0)), []);
  return clean.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
