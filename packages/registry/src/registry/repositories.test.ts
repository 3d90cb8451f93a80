import { expect, test } from 'vitest';
import { anonymous } from '../access/identity.ts';
import { createAccess } from '../access/permit.ts';
import { parseRepositoryName, type RepositoryName } from '../oci/name.ts';
import { memory } from '../storage/memory.ts';
import type { RepositoryRecord } from '../storage/metadata-store.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import { type CatalogStart, createRepositories } from './repositories.ts';
import { withDefaults } from './settings.ts';

const all = Array.from({ length: 2_500 }, (_, i) => parseRepositoryName(`r${String(i).padStart(4, '0')}`));
const records: readonly RepositoryRecord[] = all.map((name, id) => ({
  id,
  name,
  visibility: 'private',
  createdBy: undefined,
}));

/** The catalog of `all`, of which the caller may pull those that are `visible`. */
function openCatalog(visible: (name: string) => boolean) {
  const asked: string[] = [];
  const metadata = {
    ...sqlite({ file: ':memory:' }),
    findRepositoryName: async (id: number) => all[id],
    listRepositories: async ({ after, limit }: { after: RepositoryName | undefined; limit: number }) =>
      records.filter(({ name }) => after === undefined || name > after).slice(0, limit),
  };
  const access = createAccess({
    authorize({ name }) {
      asked.push(name);
      return visible(name);
    },
    canLogIn: false,
    metadata,
  });
  const sources = { now: Date.now, randomId: () => '' };
  const repositories = createRepositories({ metadata, blobs: memory(), settings: withDefaults({}), sources });
  return {
    asked,
    list: (start: CatalogStart, limit: number) => repositories.list(access, anonymous, { start, limit }),
  };
}

test('a page asks the decision about no more names than it needs', async () => {
  const { asked, list } = openCatalog(() => true);
  expect(await list(undefined, 3)).toEqual({ items: all.slice(0, 3), next: { last: all[2] } });
  expect(asked).toEqual(all.slice(0, 3));
});

test('a page asks about at most 1,000 names, and goes on behind them', async () => {
  const { asked, list } = openCatalog((name) => name === all[1_500]);
  const first = await list(undefined, 10);
  expect(first).toEqual({ items: [], next: { place: 999 } });
  expect(asked).toHaveLength(1_000);
  const second = await list(first.next, 10);
  expect(second).toEqual({ items: [all[1_500]], next: { place: 1_999 } });
  const third = await list(second.next, 10);
  expect(third).toEqual({ items: [], next: undefined });
  expect(asked).toEqual(all);
});

test('an empty page asks nothing', async () => {
  const { asked, list } = openCatalog(() => true);
  expect(await list(undefined, 0)).toEqual({ items: [], next: undefined });
  expect(asked).toEqual([]);
});
