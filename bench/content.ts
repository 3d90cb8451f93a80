import { createHash, type Hash } from 'node:crypto';
import type { Descriptor } from './load/job.ts';

export const kib = 1024;
export const mib = 1024 * kib;

export const repository = 'bench/row';
export const manifestType = 'application/vnd.oci.image.manifest.v1+json';

const block = makeBlock();
const markBytes = 64;

/** A blob of `sizeBytes` that differs from every other in its last 64 bytes, made without holding it in memory. */
export interface Blob {
  readonly digest: string;
  readonly sizeBytes: number;
  /** One for a blob up to 1 MiB. */
  readonly pieces: readonly Uint8Array[];
}

/**
 * Returns a maker of blobs of one size (at least 64 bytes): only the mark at the end is hashed again for each, so that a client spends no time
 * on hashing while it measures. The same mark gives the same blob.
 */
export function blobsOf(sizeBytes: number): (mark: string) => Blob {
  const shared = [...repeatBlock(sizeBytes - markBytes)];
  const sharedHash = createHash('sha256');
  for (const piece of shared) sharedHash.update(piece);
  return (mark) => {
    const end = Buffer.from(mark.padEnd(markBytes).slice(-markBytes));
    const pieces = sizeBytes > block.length ? [...shared, end] : [Buffer.concat([...shared, end])];
    return { digest: digestOf(sharedHash.copy().update(end)), sizeBytes, pieces };
  };
}

/** Returns a maker of blobs that are the same in every process: the n-th one of a size. */
export function numberedBlobs(sizeBytes: number): (number: number) => Blob {
  const makeBlob = blobsOf(sizeBytes);
  return (number) => makeBlob(`number ${number}`);
}

/** The n-th of tags that stand in the order of their numbers, up to 10 million. */
export function tagOf(number: number): string {
  return `v${String(number).padStart(7, '0')}`;
}

/** The two blobs that every manifest of the bench names: a configuration and a layer. */
export const manifestBlobs: readonly Blob[] = [blobsOf(kib)('configuration'), blobsOf(2 * kib)('layer')];

const [manifestStart = '', manifestEnd = ''] = manifestText('MARK').split('MARK');

/** An image manifest as clients push them, about 500 bytes of ASCII, 200 more with a subject; `mark` makes it differ from every other. */
export function makeManifest(mark: string, subject?: Descriptor): string {
  return subject === undefined ? manifestStart + mark + manifestEnd : manifestText(mark, { subject });
}

/** An image manifest of the first blob as configuration and the others as layers. */
export function imageManifest([config, ...layers]: readonly Blob[], more: Readonly<Record<string, unknown>>): string {
  const describe = (mediaType: string, blob: Blob | undefined) => ({
    mediaType,
    digest: blob?.digest,
    size: blob?.sizeBytes,
  });
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: describe('application/vnd.oci.image.config.v1+json', config),
    layers: layers.map((layer) => describe('application/vnd.oci.image.layer.v1.tar+gzip', layer)),
    ...more,
  });
}

function manifestText(revision: string, more: { readonly subject?: Descriptor } = {}): string {
  return imageManifest(manifestBlobs, { ...more, annotations: { 'org.opencontainers.image.revision': revision } });
}

function digestOf(hash: Hash): string {
  return `sha256:${hash.digest('hex')}`;
}

/** What a manifest's text is known by. */
export function describeManifest(text: string): Descriptor {
  return { mediaType: manifestType, digest: digestOf(createHash('sha256').update(text)), size: text.length };
}

/** 1 MiB that does not compress and is the same in every process. */
function makeBlock(): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i < mib / 32; i += 1) parts.push(createHash('sha256').update(`block ${i}`).digest());
  return Buffer.concat(parts);
}

function* repeatBlock(sizeBytes: number): Iterable<Uint8Array> {
  for (let left = sizeBytes; left > 0; left -= block.length) yield block.subarray(0, Math.min(left, block.length));
}
