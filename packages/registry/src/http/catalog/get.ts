import { parseRepositoryName } from '../../oci/name.ts';
import type { Endpoint } from '../endpoint.ts';
import { json } from '../headers.ts';
import { nextLink, parseLast, parsePageSize } from '../page.ts';

/** The catalog: repositories that hold something and that the caller may pull, in byte order. */
export const getCatalog: Endpoint = async ({ access, repositories, urls }, caller, { query }) => {
  const limit = parsePageSize(query);
  const last = parseLast(query);
  const after = last === undefined ? undefined : parseRepositoryName(last);
  const page = await repositories.list(access, caller, { after, limit });
  const next = page.hasMore
    ? urls.catalog(new URLSearchParams({ n: String(limit), last: page.last ?? '' }))
    : undefined;
  return json(200, { repositories: page.items }, next === undefined ? {} : nextLink(next));
};
