import { ExitError } from '../exit-error.ts';
import { blobsAtOnce, eachAtOnce } from './at-once.ts';
import type { Content } from './content.ts';
import type { Progress } from './progress.ts';
import type { Reference } from './reference.ts';
import { digestLike, putManifest } from './registry/manifests.ts';
import type { RegistryClient } from './registry/registry-client.ts';
import type { Uploader } from './registry/uploader.ts';

/** Pushes content: its blobs, those that the registry has not, and then the manifest, under the tag of `reference` or else its digest. Returns that digest. */
export async function pushContent(
  needs: { readonly client: RegistryClient; readonly uploader: Uploader; readonly progress: Progress },
  { manifest, mediaType, blobs }: Pick<Content, 'manifest' | 'mediaType' | 'blobs'>,
  { repository, tag, digest: wanted }: Reference,
): Promise<string> {
  const { client, uploader, progress } = needs;
  const digest = digestLike(manifest, wanted ?? '');
  if (wanted !== undefined && wanted !== digest) {
    throw new ExitError(`The content has the digest ${digest}, not ${wanted}: nothing was pushed.`);
  }
  const unique = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
  await eachAtOnce(unique, blobsAtOnce, async (blob) => {
    const item = progress.begin(blob);
    item.end(await uploader.push(blob, { onPosition: item.at }));
  });
  await putManifest(client, { repository, wanted: tag ?? digest, bytes: manifest, mediaType });
  return digest;
}
