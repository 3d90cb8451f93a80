import { type Digest, parseDigest } from './digest.ts';
import { OciError, quote } from './error.ts';
import { type JsonObject, parseJsonObject } from './json.ts';
import { isMediaType, mediaTypes } from './media-type.ts';

/** Content that a manifest names. */
export interface Edge {
  readonly digest: Digest;
  /** A child manifest of an index, or a blob: config or layer, the layers of a build cache's index included. */
  readonly kind: 'blob' | 'manifest';
  /** False where the content may lie elsewhere: layers that must not be distributed, or that say where to get them. */
  readonly required: boolean;
}

/** What the registry knows of a manifest beside its bytes. */
export interface Manifest {
  readonly mediaType: string;
  /** As a referrers list shows it: the document's own, or for an image the config's media type. */
  readonly artifactType: string | undefined;
  readonly subject: Digest | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  /** Each digest once, in the order of the document. */
  readonly edges: readonly Edge[];
  /** Whether the document itself names its media type. */
  readonly declaresMediaType: boolean;
}

/** Contents that one manifest may name: each is looked up in the transaction of the push, in which all other pushes wait. */
const maximumEdges = 10_000;

/** How the media type of a document without one is found. */
export interface ManifestHints {
  /** The Content-Type of the push, without parameters. */
  readonly contentType: string | undefined;
  /** Assumed where neither the push nor the document names a type. */
  readonly defaultMediaType: string;
}

/** A key as Go's JSON reader compares it: without case, and with ſ for s and the Kelvin sign for k. */
const fold = (key: string): string => key.toUpperCase().toLowerCase();
const byFolded = (names: readonly string[]): ReadonlyMap<string, string> =>
  new Map(names.map((name) => [fold(name), name]));

/** Keys with a meaning at the top of a document. */
const documentKeys = byFolded([
  'schemaVersion',
  'mediaType',
  'artifactType',
  'config',
  'layers',
  'blobs',
  'manifests',
  'subject',
  'annotations',
]);

/** Keys with a meaning in a descriptor. */
const descriptorKeys = byFolded([
  'mediaType',
  'artifactType',
  'digest',
  'size',
  'urls',
  'annotations',
  'data',
  'platform',
]);

/** Media types that are no manifest's, though they stand in an index: BuildKit lists the layers and the configuration of a build cache there. */
const blobTypes = /^application\/vnd\.(?:oci\.image\.layer|docker\.image\.rootfs|buildkit\.cacheconfig)\./;

/** Reads a manifest of any media type (image-spec "manifest", "image index", Docker schema 2); else `MANIFEST_INVALID`, or `DIGEST_INVALID` for a digest
 *  that it names. */
export function parseManifest(bytes: Uint8Array, hints: ManifestHints): Manifest {
  const text = parseJsonObject(bytes);
  refuseVariants(text, documentKeys, 'The manifest');
  const document = knownPart(text);
  refuseAmbiguity(document);
  const declared = readMediaType(document, 'mediaType');
  if (declared !== undefined && hints.contentType !== undefined && declared !== hints.contentType) {
    throw new OciError(
      'MANIFEST_INVALID',
      `The Content-Type is ${hints.contentType}, but the manifest's mediaType is ${quote(declared)}: they must be equal.`,
    );
  }
  const mediaType = hints.contentType ?? declared ?? hints.defaultMediaType;
  refuseUnreadable(document, mediaType);
  const config = document['config'] === undefined ? undefined : readDescriptor(document['config'], 'config');
  const annotations = readAnnotations(document);
  return {
    mediaType,
    artifactType: readMediaType(document, 'artifactType') ?? config?.mediaType,
    subject: document['subject'] === undefined ? undefined : readDescriptor(document['subject'], 'subject').digest,
    annotations,
    edges: uniqueEdges([
      ...(config === undefined ? [] : [toEdge(config, 'blob')]),
      ...readDescriptors(document, 'layers').map((layer) => toEdge(layer, 'blob')),
      ...readDescriptors(document, 'blobs').map((blob) => toEdge(blob, 'blob')),
      ...readDescriptors(document, 'manifests').map((child) => toEdge(child, childKind(child))),
    ]),
    declaresMediaType: declared !== undefined,
  };
}

interface Descriptor {
  readonly mediaType: string | undefined;
  readonly digest: Digest;
  readonly hasUrls: boolean;
}

/** One document must not be read as a manifest by one client and as an index by another (CVE-2021-41190). */
function refuseAmbiguity(document: JsonObject): void {
  if (document['manifests'] !== undefined && (document['layers'] !== undefined || document['config'] !== undefined)) {
    throw new OciError(
      'MANIFEST_INVALID',
      'The manifest has both "manifests" and "layers" or "config": it must be either an index or an image manifest.',
    );
  }
}

/** Go's JSON reader ignores the case of keys, so a key that has a meaning but for its case is a double meaning too. */
function refuseVariants(object: JsonObject, keys: ReadonlyMap<string, string>, where: string): void {
  for (const key of Object.keys(object)) {
    const known = keys.get(fold(key));
    if (known === undefined || known === key) continue;
    throw new OciError(
      'MANIFEST_INVALID',
      `${where} has the key ${quote(key)}, which differs from ${quote(known)} by its case alone.`,
    );
  }
}

function refuseUnreadable(document: JsonObject, mediaType: string): void {
  const schemaVersion = document['schemaVersion'];
  if (schemaVersion === 1 || mediaType === mediaTypes.dockerSchema1 || mediaType === mediaTypes.dockerSchema1Signed) {
    throw new OciError(
      'MANIFEST_INVALID',
      'Docker schema 1 manifests are not supported: push with Docker 1.10 or newer, which writes schema 2 or OCI.',
    );
  }
  const isIndex = mediaType === mediaTypes.imageIndex || mediaType === mediaTypes.dockerManifestList;
  const isImage = mediaType === mediaTypes.imageManifest || mediaType === mediaTypes.dockerManifest;
  if (!isIndex && !isImage) return;
  if (schemaVersion !== 2) throw new OciError('MANIFEST_INVALID', 'The manifest\'s "schemaVersion" must be 2.');
  if (isIndex && document['manifests'] === undefined)
    throw new OciError('MANIFEST_INVALID', 'The index has no "manifests".');
  if (isImage && document['config'] === undefined)
    throw new OciError('MANIFEST_INVALID', 'The image manifest has no "config".');
  if (isImage && document['manifests'] !== undefined) {
    throw new OciError('MANIFEST_INVALID', 'The image manifest has "manifests", which only an index may have.');
  }
  if (isIndex && document['layers'] !== undefined)
    throw new OciError('MANIFEST_INVALID', 'The index has "layers", which only an image manifest may have.');
}

function readDescriptors(document: JsonObject, field: string): readonly Descriptor[] {
  const value = document[field];
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new OciError('MANIFEST_INVALID', `The manifest's "${field}" is not an array.`);
  return value.map((item, index) => readDescriptor(item, `${field}[${index}]`));
}

function readDescriptor(value: unknown, where: string): Descriptor {
  if (!isObject(value)) throw new OciError('MANIFEST_INVALID', `The manifest's ${where} is not a descriptor.`);
  refuseVariants(value, descriptorKeys, `The manifest's ${where}`);
  const { digest, size, urls } = value;
  if (typeof digest !== 'string') throw new OciError('MANIFEST_INVALID', `The manifest's ${where} has no digest.`);
  if (!Number.isSafeInteger(size) || Number(size) < 0) {
    throw new OciError('MANIFEST_INVALID', `The manifest's ${where} has no size in bytes.`);
  }
  return {
    mediaType: readMediaType(value, 'mediaType'),
    digest: parseDigest(digest),
    hasUrls: Array.isArray(urls) && urls.length > 0,
  };
}

function readMediaType(object: JsonObject, field: string): string | undefined {
  const value = object[field];
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string' && isMediaType(value)) return value;
  throw new OciError('MANIFEST_INVALID', `The manifest's "${field}" is not a media type.`);
}

function readAnnotations(document: JsonObject): Readonly<Record<string, string>> | undefined {
  const value = document['annotations'];
  if (value === undefined) return undefined;
  if (isObject(value) && Object.values(value).every((item) => typeof item === 'string'))
    return value as Record<string, string>;
  throw new OciError('MANIFEST_INVALID', 'The manifest\'s "annotations" are not an object of strings.');
}

function childKind({ mediaType }: Descriptor): Edge['kind'] {
  return blobTypes.test(mediaType ?? '') ? 'blob' : 'manifest';
}

function toEdge(descriptor: Descriptor, kind: Edge['kind']): Edge {
  const elsewhere = descriptor.hasUrls || /nondistributable|\.foreign\./.test(descriptor.mediaType ?? '');
  return { digest: descriptor.digest, kind, required: !elsewhere };
}

/** A digest named twice is one edge, required if any mention requires it. */
function uniqueEdges(edges: readonly Edge[]): readonly Edge[] {
  const unique = new Map<Digest, Edge>();
  for (const edge of edges) {
    const before = unique.get(edge.digest);
    if (before === undefined || (edge.required && !before.required)) unique.set(edge.digest, edge);
  }
  if (unique.size > maximumEdges) {
    throw new OciError('MANIFEST_INVALID', `The manifest names ${unique.size} contents; ${maximumEdges} are allowed.`);
  }
  return [...unique.values()];
}

/** The keys that mean something. Some writers say `null` for one that they leave out. */
function knownPart(text: JsonObject): JsonObject {
  const known = [...documentKeys.values()].filter((key) => Object.hasOwn(text, key) && text[key] !== null);
  return Object.fromEntries(known.map((key) => [key, text[key]]));
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
