import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { type Manifest, parseManifest } from '../../src/oci/manifest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
export const digest = (n: number): Digest => digestOf(encode(`content ${n}`), 'sha256');
export const descriptor = (n: number, more: Readonly<Record<string, unknown>> = {}) => ({
  mediaType: 'application/octet-stream',
  digest: digest(n),
  size: 10,
  ...more,
});

/** Reads `document` as it is pushed with `contentType`. */
export const parse = (document: unknown, contentType?: string): Manifest =>
  parseManifest(encode(typeof document === 'string' ? document : JSON.stringify(document)), {
    contentType,
    defaultMediaType: mediaTypes.imageManifest,
  });

export const imageConfig = descriptor(1, { mediaType: 'application/vnd.oci.image.config.v1+json' });
export const image = {
  schemaVersion: 2,
  mediaType: mediaTypes.imageManifest,
  config: imageConfig,
  layers: [descriptor(2), descriptor(3)],
};
export const index = {
  schemaVersion: 2,
  mediaType: mediaTypes.imageIndex,
  manifests: [
    descriptor(1, { mediaType: mediaTypes.imageManifest, platform: { architecture: 'amd64', os: 'linux' } }),
    descriptor(2, { mediaType: mediaTypes.imageIndex }),
  ],
};
