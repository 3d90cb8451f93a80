import { imageType, indexType, sha256 } from './registry.ts';

export const configType = 'application/vnd.oci.image.config.v1+json';
export const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';

/** Names content in a manifest. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** The descriptor of `content`. */
export function descriptor(content: string, mediaType: string): Descriptor {
  return { mediaType, digest: sha256(content), size: Buffer.byteLength(content) };
}

/** An image manifest with a config of `{}` and these layers; `more` is added to it, or put in the place of what it has. */
export function imageOf(layers: readonly string[], more: object = {}): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: imageType,
    config: descriptor('{}', configType),
    layers: layers.map((layer) => descriptor(layer, layerType)),
    ...more,
  });
}

/** An index of these manifests; `more` is added to it, or put in the place of what it has. */
export function indexOf(manifests: readonly string[], more: object = {}): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: indexType,
    manifests: manifests.map((manifest) => descriptor(manifest, imageType)),
    ...more,
  });
}
