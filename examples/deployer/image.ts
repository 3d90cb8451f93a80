import { text } from 'node:stream/consumers';
import type { ManifestContent, Registry } from '@moorage/registry';
import type { Layer } from './layers.ts';

/** What a deploy needs of an image. */
export interface Image {
  readonly layers: readonly Layer[];
  /** The folder of the image that is the site. */
  readonly root: string;
}

const maximumConfigBytes = 1024 * 1024;

/** Reads an image: the registry is in the same process, so this is a function call and no request. Of an index the first image counts. */
export async function readImage(registry: Registry, repository: string, content: ManifestContent): Promise<Image> {
  const manifest: {
    readonly manifests?: readonly { readonly digest: string }[];
    readonly config?: { readonly digest: string };
    readonly layers?: readonly Layer[];
  } = JSON.parse(new TextDecoder().decode(content.bytes));
  const first = manifest.manifests?.[0];
  if (first !== undefined) {
    return readImage(registry, repository, await registry.getManifest(repository, first.digest));
  }
  const { config, layers } = manifest;
  if (config === undefined || layers === undefined) throw new Error(`${content.mediaType} is no image.`);
  const blob = await registry.readBlob(repository, config.digest);
  if (blob.sizeBytes > maximumConfigBytes) throw new Error('The config of the image is too large.');
  const { config: settings }: { readonly config?: { readonly Labels?: Readonly<Record<string, string>> } } = JSON.parse(
    await text(blob.bytes),
  );
  return { layers, root: settings?.Labels?.['site.root'] ?? '/' };
}
