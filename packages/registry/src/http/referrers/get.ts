import { parseDigest } from '../../oci/digest.ts';
import { mediaTypes } from '../../oci/media-type.ts';
import type { ReferrerRecord } from '../../storage/metadata-store.ts';
import type { RepositoryEndpoint, RouteRequest } from '../endpoint.ts';
import { json } from '../headers.ts';
import type { RegistryResponse, ResponseHeaders } from '../message.ts';
import { nextLink, parseLast, parsePageSize } from '../page.ts';

/** end-12a and end-12b. Manifests whose subject is the digest, as an index; an empty one where nobody refers to it. */
export const getReferrers: RepositoryEndpoint<'pull'> = async ({ referrers, urls }, permit, { params, query }) => {
  const { subject, artifactType, limit, after } = parseWanted(params.reference, query);
  const page = await referrers.list(permit, subject, { after, limit, artifactType });
  const next = new URLSearchParams({ n: String(limit), last: page.items.at(-1)?.digest ?? '' });
  if (artifactType !== undefined) next.set('artifactType', artifactType);
  const link = page.hasMore ? nextLink(urls.referrers(permit.repository.name, subject, next)) : {};
  return answer(page.items, artifactType, link);
};

/** The list of a repository that is not there: the specification wants one, and no 404. */
export function noReferrers({ params, query }: RouteRequest): RegistryResponse {
  return answer([], parseWanted(params.reference, query).artifactType, {});
}

function parseWanted(reference: string, query: URLSearchParams) {
  const last = parseLast(query);
  return {
    subject: parseDigest(reference),
    // A query writes a space as +. A media type has no space, but the + of `+json`, which the specification's example leaves as it is.
    artifactType: query.get('artifactType')?.replaceAll(' ', '+') || undefined,
    limit: parsePageSize(query),
    after: last === undefined ? undefined : parseDigest(last),
  };
}

function answer(
  items: readonly ReferrerRecord[],
  artifactType: string | undefined,
  link: ResponseHeaders,
): RegistryResponse {
  const filtered: ResponseHeaders = artifactType === undefined ? {} : { 'OCI-Filters-Applied': 'artifactType' };
  const index = { schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests: items.map(toDescriptor) };
  return json(200, index, { 'Content-Type': mediaTypes.imageIndex, ...filtered, ...link });
}

function toDescriptor({ mediaType, digest, sizeBytes, artifactType, annotations }: ReferrerRecord): object {
  return { mediaType, digest, size: sizeBytes, artifactType, annotations };
}
