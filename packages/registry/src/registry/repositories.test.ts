import { expect, test } from 'vitest';
import { anonymous } from '../access/identity.ts';
import { type AccessNeeds, createAccess } from '../access/permit.ts';
import { parseRepositoryName, type RepositoryName } from '../oci/name.ts';
import { memory } from '../storage/memory.ts';
import type { RepositoryRecord } from '../storage/metadata-store.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import { createEvents } from './hooks.ts';
import { type CatalogStart, createRepositories } from './repositories.ts';
import { withDefaults } from './settings.ts';

const all = Array.from({ length: 2_500 }, (_, i) => parseRepositoryName(`r${String(i).padStart(4, '0')}`));
const records: readonly RepositoryRecord[] = all.map((name, id) => ({
  id,
  name,
  visibility: 'private',
  createdBy: undefined,
  manifestCount: 1,
}));

/** The catalog of `all`, of which the caller may pull those that are `visible`. */
function openCatalog(visible: (name: string) => boolean, told?: AccessNeeds['visible']) {
  const asked: string[] = [];
  const metadata = {
    ...sqlite({ file: ':memory:' }),
    findRepository: async (name: RepositoryName) => records.find((record) => record.name === name),
    findRepositoryName: async (id: number) => all[id],
    listRepositories: async ({ after, limit }: { after: RepositoryName | undefined; limit: number }) =>
      records.filter(({ name }) => after === undefined || name > after).slice(0, limit),
  };
  const access = createAccess({
    authorize({ name }) {
      asked.push(name);
      return visible(name);
    },
    visible: told,
    canLogIn: false,
    metadata,
  });
  const sources = { now: Date.now, randomId: () => '' };
  const events = createEvents({}, { sources, onError: () => undefined });
  const repositories = createRepositories({ metadata, blobs: memory(), settings: withDefaults({}), sources, events });
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

test('an application that tells what is visible is asked for that, and the decision is asked about nothing else', async () => {
  const some = [all[3], all[700], all[2_400]].map(String);
  const requests: object[] = [];
  const { asked, list } = openCatalog(
    () => true,
    (request) => {
      requests.push(request);
      return some.filter((name) => request.after === undefined || name > request.after).slice(0, request.limit);
    },
  );
  const first = await list(undefined, 2);
  expect(first).toEqual({ items: some.slice(0, 2), next: { last: some[1] } });
  expect(await list(first.next, 2)).toEqual({ items: some.slice(2), next: undefined });
  expect(asked).toEqual(some);
  expect(requests).toEqual([
    { identity: undefined, after: undefined, limit: 2 },
    { identity: undefined, after: some[1], limit: 2 },
  ]);
});

test('what is told to be visible and is refused, unknown or empty is left out, and the page goes on behind it', async () => {
  const { list } = openCatalog(
    (name) => name !== all[0],
    ({ after }) => (after === undefined ? ['nothing/here', String(all[0])] : [String(all[1])]),
  );
  const first = await list(undefined, 2);
  expect(first).toEqual({ items: [], next: { last: all[0] } });
  expect(await list(first.next, 2)).toEqual({ items: [all[1]], next: undefined });
});

test('visible that gives names out of order, or again, is a fault of the application', async () => {
  for (const names of [['b', 'a'], ['a', 'a'], [String(all[0])]]) {
    const { list } = openCatalog(
      () => true,
      () => names,
    );
    await expect(list({ last: parseRepositoryName(String(all[5])) }, 2)).rejects.toThrow('in byte order');
  }
});
