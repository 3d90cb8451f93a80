import { type Descriptor, parseManifest } from './manifest-document.ts';
import { findManifest, putManifest, type ReadManifest } from './manifests.ts';
import { indexTypes } from './media-types.ts';
import type { RegistryClient } from './registry-client.ts';
import { pullScope } from './scopes.ts';

const mostPages = 1000;
const [indexType] = indexTypes;

/** end-12. What refers to a manifest: signatures, lists of contents, attestations. A registry without that list is asked for the tag that clients keep there instead (spec, "Referrers Tag Schema"). */
export async function listReferrers(
  client: RegistryClient,
  repository: string,
  subject: string,
): Promise<readonly Descriptor[]> {
  const found: Descriptor[] = [];
  let url: URL | undefined = new URL(`/v2/${repository}/referrers/${subject}`, client.origin);
  for (let page = 0; url !== undefined && page < mostPages; page += 1) {
    const { status, headers, bytes } = await client.request({
      method: 'GET',
      url,
      headers: { Accept: indexType },
      scopes: [pullScope(repository)],
      // A registry from before the list answers what it likes.
      accepts: page === 0 ? [200, 400, 404, 405, 501] : [200],
      doing: `list what refers to ${repository}@${subject}`,
    });
    const isList = status === 200 && headers['content-type']?.startsWith(indexType) === true;
    if (!isList && page === 0) return (await findTagged(client, repository, subject)) ?? [];
    found.push(...parseManifest(bytes, indexType).manifests);
    url = nextPage(headers.link, url);
  }
  return found;
}

/** Adds a manifest to the list under the tag of its subject, where the registry keeps no list of its own. */
export async function addTagged(
  client: RegistryClient,
  { repository, subject }: { readonly repository: string; readonly subject: string },
  referrer: Descriptor,
): Promise<void> {
  const before = (await findTagged(client, repository, subject)) ?? [];
  if (before.some(({ digest }) => digest === referrer.digest)) return;
  const index = { schemaVersion: 2, mediaType: indexType, manifests: [...before, referrer] };
  const bytes = new TextEncoder().encode(JSON.stringify(index));
  await putManifest(client, { repository, wanted: tagOf(subject), bytes, mediaType: indexType });
}

/** A referrer as a list shows it. */
export function describe({ bytes, digest, document }: ReadManifest): Descriptor {
  const { mediaType, artifactType, config, annotations } = document;
  const type = artifactType ?? config?.mediaType;
  return {
    mediaType,
    digest,
    size: bytes.length,
    ...(type !== undefined && { artifactType: type }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}

/** Tags under which cosign keeps what belongs to a manifest, beside any list. */
export function cosignTags(subject: string): readonly string[] {
  return ['sig', 'att', 'sbom'].map((kind) => `${tagOf(subject)}.${kind}`);
}

async function findTagged(client: RegistryClient, repository: string, subject: string) {
  const manifest = await findManifest(client, repository, tagOf(subject));
  return manifest && parseManifest(manifest.bytes, manifest.mediaType).manifests;
}

function tagOf(digest: string): string {
  return digest.replace(':', '-').slice(0, 128);
}

/** `Link` with `rel="next"`, on the same registry. */
function nextPage(link: string | string[] | undefined, url: URL): URL | undefined {
  const [, target] = /<([^>]*)>\s*;[^,]*rel="?next"?/i.exec(String(link ?? '')) ?? [];
  if (target === undefined || !URL.canParse(target, url)) return undefined;
  const next = new URL(target, url);
  return new URL(`${next.pathname}${next.search}`, url);
}
