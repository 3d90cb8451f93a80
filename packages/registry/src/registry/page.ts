import type { Page, PageRequest } from '../storage/metadata-store.ts';

/** A page of what `list` yields; it is asked for one entry more, which tells whether there is a next page. */
export async function readPage<Key extends string, Item>(
  page: PageRequest<Key>,
  list: (page: PageRequest<Key>) => Promise<readonly Item[]>,
): Promise<Page<Item>> {
  if (page.limit === 0) return { items: [], hasMore: false };
  const items = await list({ ...page, limit: page.limit + 1 });
  return { items: items.slice(0, page.limit), hasMore: items.length > page.limit };
}
