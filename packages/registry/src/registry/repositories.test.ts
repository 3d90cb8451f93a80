import { expect, test } from 'vitest';
import { createAccess } from '../access/permit.ts';
import { parseRepositoryName, type RepositoryName } from '../oci/name.ts';
import { memory } from '../storage/memory.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import { createRepositories } from './repositories.ts';
import { withDefaults } from './settings.ts';

const all = Array.from({ length: 2_500 }, (_, i) => parseRepositoryName(`r${String(i).padStart(4, '0')}`));

/** The catalog of `all`, of which the caller may pull those that are `visible`. */
function openCatalog(visible: (name: string) => boolean) {
  const asked: string[] = [];
  const metadata = {
    ...sqlite({ file: ':memory:' }),
    findRepository: async () => undefined,
    listRepositories: async ({ after, limit }: { after: RepositoryName | undefined; limit: number }) =>
      all.filter((name) => after === undefined || name > after).slice(0, limit),
  };
  const access = createAccess(
    {
      authorize({ name }) {
        asked.push(name);
        return visible(name);
      },
    },
    metadata,
  );
  const sources = { now: Date.now, randomId: () => '' };
  const repositories = createRepositories({ metadata, blobs: memory(), settings: withDefaults({}), sources });
  return {
    asked,
    list: (after: RepositoryName | undefined, limit: number) => repositories.list(access, undefined, { after, limit }),
  };
}

test('a page asks the decision about no more names than it needs', async () => {
  const { asked, list } = openCatalog(() => true);
  expect(await list(undefined, 3)).toEqual({ items: all.slice(0, 3), hasMore: true, last: all[2] });
  expect(asked).toEqual(all.slice(0, 3));
});

test('a page asks about at most 1,000 names, and goes on behind them', async () => {
  const { asked, list } = openCatalog((name) => name === all[1_500]);
  const first = await list(undefined, 10);
  expect(first).toMatchObject({ items: [], hasMore: true });
  expect(asked).toHaveLength(1_000);
  const second = await list(first.last, 10);
  expect(second).toMatchObject({ items: [all[1_500]], hasMore: true });
  const third = await list(second.last, 10);
  expect(third).toMatchObject({ items: [], hasMore: false });
  expect(asked).toEqual(all);
});

test('an empty page asks nothing', async () => {
  const { asked, list } = openCatalog(() => true);
  expect(await list(undefined, 0)).toEqual({ items: [], hasMore: false, last: undefined });
  expect(asked).toEqual([]);
});
