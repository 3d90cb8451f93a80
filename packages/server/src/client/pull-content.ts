import { readForPlatform } from './choose-manifest.ts';
import { unpack } from './content/unpack.ts';
import type { Progress } from './progress.ts';
import { type Reference, wantedOf } from './reference.ts';
import { openBlob } from './registry/blobs.ts';
import type { Platform } from './registry/manifest-document.ts';
import type { RegistryClient } from './registry/registry-client.ts';

/** What a pull did. */
export interface Pulled {
  /** Of the manifest that was unpacked: for an index, of its child. */
  readonly digest: string;
  /** What was written, below the directory. */
  readonly files: readonly string[];
}

/** Pulls content into a directory: the files of an artifact, the archive of a chart, the root file system of an image, whose bytes are compared with their digests on the way. */
export async function pullContent(
  { client, progress }: { readonly client: RegistryClient; readonly progress: Progress },
  reference: Reference,
  target: { readonly directory: string; readonly platform: Platform; readonly force: boolean },
): Promise<Pulled> {
  const { repository } = reference;
  const place = { repository, wanted: wantedOf(reference) };
  const { document, bytes, digest } = await readForPlatform(client, place, target.platform);
  const known = [...(document.config === undefined ? [] : [document.config]), ...document.layers];
  const sizes = new Map(known.map((blob) => [blob.digest, blob.size]));
  const blobs = {
    async *open(wanted: string) {
      const size = sizes.get(wanted) ?? 0;
      const item = progress.begin({ digest: wanted, size });
      let position = 0;
      for await (const chunk of openBlob(client, { repository, digest: wanted, size })) {
        position += chunk.length;
        item.at(position);
        yield chunk;
      }
      item.end('downloaded');
    },
  };
  const { directory, force } = target;
  return { digest, files: await unpack(bytes, blobs, { directory, force }) };
}
