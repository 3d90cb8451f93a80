import { OciError, quote } from '../../oci/error.ts';
import { parseRepositoryName } from '../../oci/name.ts';
import type { CatalogStart } from '../../registry/repositories.ts';
import type { Endpoint } from '../endpoint.ts';
import { json } from '../headers.ts';
import { nextLink, parseLast, parsePageSize } from '../page.ts';

/** The catalog: repositories that hold something and that the caller may pull, in byte order. */
export const getCatalog: Endpoint = async ({ access, repositories, urls }, caller, { query }) => {
  const limit = parsePageSize(query);
  const { items, next } = await repositories.list(access, caller, { start: parseStart(query), limit });
  if (next === undefined) return json(200, { repositories: items });
  const start = 'last' in next ? { last: next.last } : { place: String(next.place) };
  return json(
    200,
    { repositories: items },
    nextLink(urls.catalog(new URLSearchParams({ n: String(limit), ...start }))),
  );
};

function parseStart(query: URLSearchParams): CatalogStart {
  const place = query.get('place');
  if (place !== null) {
    if (!/^\d{1,15}$/.test(place))
      throw new OciError('UNSUPPORTED', `place=${quote(place)} was given by no Link.`, { status: 400 });
    return { place: Number(place) };
  }
  const last = parseLast(query);
  return last === undefined ? undefined : { last: parseRepositoryName(last) };
}
