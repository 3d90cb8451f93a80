import { parseReference } from '../../oci/name.ts';
import type { ManifestRecord } from '../../storage/metadata-store.ts';
import type { RepositoryEndpoint } from '../endpoint.ts';
import { contentHeaders, empty, isNotModified, withBytes } from '../headers.ts';
import type { ResponseHeaders } from '../message.ts';

/** end-3. A manifest, byte for byte as it was pushed and under the type that it was pushed with. */
export const getManifest: RepositoryEndpoint<'pull'> = async (
  { manifests, pulls },
  permit,
  { params, headers, isHead },
) => {
  const reference = parseReference(params.reference);
  if (isHead) {
    const manifest = await manifests.get(permit, reference);
    if (isNotModified(headers, manifest.digest)) return empty(304, manifestHeaders(manifest));
    return { ...empty(200), headers: { ...manifestHeaders(manifest), 'Content-Length': String(manifest.sizeBytes) } };
  }
  const manifest = await manifests.read(permit, reference);
  if (isNotModified(headers, manifest.digest)) return empty(304, manifestHeaders(manifest));
  pulls.countManifest(permit, manifest, reference.tag);
  return withBytes(200, manifest.bytes, manifestHeaders(manifest));
};

/** The type is the pusher's word: the policy keeps a browser from running what it was sent under `text/html`. */
function manifestHeaders({ digest, mediaType }: ManifestRecord): ResponseHeaders {
  return {
    ...contentHeaders(digest),
    'Content-Type': mediaType,
    'Content-Security-Policy': "sandbox; default-src 'none'",
  };
}
