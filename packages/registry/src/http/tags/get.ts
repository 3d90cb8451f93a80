import type { RepositoryEndpoint } from '../endpoint.ts';
import { json } from '../headers.ts';
import { nextLink, parseLast, parsePageSize } from '../page.ts';

/** end-8a and end-8b. Tags in byte order. */
export const getTags: RepositoryEndpoint<'pull'> = async ({ tags, urls }, permit, { query }) => {
  const { name } = permit.repository;
  const limit = parsePageSize(query);
  const page = await tags.list(permit, { after: parseLast(query), limit });
  const next = page.hasMore
    ? urls.tags(name, new URLSearchParams({ n: String(limit), last: page.items.at(-1) ?? '' }))
    : undefined;
  return json(200, { name, tags: page.items }, next === undefined ? {} : nextLink(next));
};
