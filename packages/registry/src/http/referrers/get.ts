import { parseDigest } from '../../oci/digest.ts';
import { mediaTypes } from '../../oci/media-type.ts';
import type { ReferrerRecord } from '../../storage/metadata-store.ts';
import type { RepositoryEndpoint } from '../endpoint.ts';
import { json } from '../headers.ts';
import type { ResponseHeaders } from '../message.ts';
import { nextLink, parseLast, parsePageSize } from '../page.ts';

/** end-12a and end-12b. Manifests whose subject is the digest, as an index; an empty one where nobody refers to it. */
export const getReferrers: RepositoryEndpoint<'pull'> = async ({ referrers, urls }, permit, { params, query }) => {
  const subject = parseDigest(params.reference);
  // A query writes a space as +. A media type has no space, but the + of `+json`, which the specification's example leaves as it is.
  const artifactType = query.get('artifactType')?.replaceAll(' ', '+') || undefined;
  const limit = parsePageSize(query);
  const last = parseLast(query);
  const after = last === undefined ? undefined : parseDigest(last);
  const page = await referrers.list(permit, subject, { after, limit, artifactType });
  const next = new URLSearchParams({ n: String(limit), last: page.items.at(-1)?.digest ?? '' });
  if (artifactType !== undefined) next.set('artifactType', artifactType);
  const filtered: ResponseHeaders = artifactType === undefined ? {} : { 'OCI-Filters-Applied': 'artifactType' };
  const link = page.hasMore ? nextLink(urls.referrers(permit.repository.name, subject, next)) : {};
  const index = { schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests: page.items.map(toDescriptor) };
  return json(200, index, { 'Content-Type': mediaTypes.imageIndex, ...filtered, ...link });
};

function toDescriptor({ mediaType, digest, sizeBytes, artifactType, annotations }: ReferrerRecord): object {
  return { mediaType, digest, size: sizeBytes, artifactType, annotations };
}
