import { deepEqual, equal, notEqual, ok } from 'node:assert/strict';
import { parseRepositoryName } from '../../oci/name.ts';
import type { MetadataStore, Push, RepositoryRecord } from '../../storage/metadata-store.ts';
import {
  bytesOf,
  catalog,
  dayMs,
  digestOfNumber,
  idOf,
  keyOf,
  makeRepository,
  manifestDigest,
  manifestPush,
  openSession,
  present,
  pushTo,
  putSmall,
  readPages,
  refuses,
  type StoreCase,
  sessionOf,
  startMs,
} from './builders.ts';

/** The commands that make a repository, by name. A mount takes content 1 from `source`, which has to hold it. */
const makers: readonly { readonly name: string; run(store: MetadataStore, push: Push): Promise<unknown> }[] = [
  {
    name: 'openUpload',
    run: (store, push) => store.openUpload({ ...push, session: sessionOf(7), key: keyOf(7), algorithm: 'sha256' }),
  },
  {
    name: 'putSmallBlob',
    run: (store, push) =>
      store.putSmallBlob({ ...push, digest: digestOfNumber(7), bytes: bytesOf(7), leaseUntilMs: startMs + dayMs }),
  },
  {
    name: 'mountBlob',
    run: async (store, push) =>
      store.mountBlob({
        ...push,
        fromRepositoryId: await idOf(store, 'source'),
        digest: digestOfNumber(1),
        leaseUntilMs: startMs + dayMs,
      }),
  },
  { name: 'putManifest', run: (store, push) => store.putManifest({ ...manifestPush('unused', 7), ...push }) },
];

/** One case for each command that makes a repository. */
function eachMaker(name: string, run: (store: MetadataStore, make: (push: Push) => Promise<unknown>) => Promise<void>) {
  return makers.map(
    (maker): StoreCase => ({
      name: `${maker.name}: ${name}`,
      async run(store) {
        await putSmall(store, 'source', 1);
        await run(store, (push) => maker.run(store, push));
      },
    }),
  );
}

const find = (store: MetadataStore, name: string) => store.findRepository(parseRepositoryName(name));

/** What a repository was born with, whatever it holds now. */
async function birthOf(store: MetadataStore, name: string): Promise<Omit<RepositoryRecord, 'manifestCount'>> {
  const { manifestCount: _, ...birth } = present(await find(store, name), name);
  return birth;
}

const watched = { name: 'acme/web', numbers: [1, 7], code: 'repository-changed' } as const;

/** A repository is born with the first push. */
const birthCases: readonly StoreCase[] = [
  ...eachMaker('makes a repository that is not there, with its creator and visibility', async (store, make) => {
    equal(await find(store, 'acme/web'), undefined);
    await make(pushTo('acme/web', { by: 'alice', visibility: 'public' }));
    const found = await birthOf(store, 'acme/web');
    deepEqual({ ...found, id: 0 }, { id: 0, name: 'acme/web', visibility: 'public', createdBy: 'alice' });
    notEqual(found.id, await idOf(store, 'source'));
  }),
  ...eachMaker('makes a repository for an anonymous push', async (store, make) => {
    await make(pushTo('acme/web', { by: undefined }));
    equal(present(await find(store, 'acme/web'), 'acme/web').createdBy, undefined);
  }),
  ...eachMaker('changes nothing of a repository that is there', async (store, make) => {
    const id = await makeRepository(store, 'acme/web');
    const before = await birthOf(store, 'acme/web');
    const repository = { id, name: parseRepositoryName('acme/web') };
    await make(pushTo('acme/web', { repository, by: 'bob', visibility: 'public' }));
    deepEqual(await birthOf(store, 'acme/web'), before);
  }),
  ...eachMaker('goes on with a repository that the same identity made meanwhile', async (store, make) => {
    const id = await makeRepository(store, 'acme/web');
    await make(pushTo('acme/web', { by: 'alice' }));
    equal(await idOf(store, 'acme/web'), id);
  }),
  ...eachMaker(
    'goes on with a repository that an anonymous push made meanwhile, when it is anonymous itself',
    async (store, make) => {
      const id = await putSmall(store, pushTo('acme/web', { by: undefined }), 2);
      await make(pushTo('acme/web', { by: undefined }));
      equal(await idOf(store, 'acme/web'), id);
    },
  ),
  ...eachMaker('refuses a repository that another identity made meanwhile', async (store, make) => {
    await makeRepository(store, 'acme/web');
    await refuses(store, watched, () => make(pushTo('acme/web', { by: 'bob' })));
    await refuses(store, watched, () => make(pushTo('acme/web', { by: undefined })));
  }),
  ...eachMaker('refuses an identity where an anonymous push made the repository meanwhile', async (store, make) => {
    await putSmall(store, pushTo('acme/web', { by: undefined }), 2);
    await refuses(store, watched, () => make(pushTo('acme/web', { by: 'bob' })));
  }),
  ...eachMaker('refuses an id that is not the repository of that name', async (store, make) => {
    const id = await makeRepository(store, 'acme/web');
    const other = await idOf(store, 'source');
    const name = parseRepositoryName('acme/web');
    await refuses(store, watched, () => make(pushTo('acme/web', { repository: { id: other, name } })));
    await refuses(store, watched, () => make(pushTo('acme/web', { repository: { id: id + 1000, name } })));
  }),
  ...eachMaker('refuses an id when there is no repository of that name, and makes none', async (store, make) => {
    const repository = { id: await idOf(store, 'source'), name: parseRepositoryName('acme/web') };
    await refuses(store, watched, () => make(pushTo('acme/web', { repository })));
    equal(await find(store, 'acme/web'), undefined);
  }),
];

/** Every kind of character that a name can have, in byte order. */
const names = ['a', 'a-a', 'a.a', 'a/a', 'a/b', 'a0', 'a__a', 'a_a', 'aa', 'aa/a', 'b'] as const;

async function fillCatalog(store: MetadataStore): Promise<void> {
  for (const [index, name] of names.toReversed().entries()) await store.putManifest(manifestPush(name, index));
}

const catalogCases: readonly StoreCase[] = [
  {
    name: 'the catalog gives the rows of its repositories, whose names are found by their ids, too',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1));
      const [listed] = await store.listRepositories({ after: undefined, limit: 10 });
      deepEqual(listed, await store.findRepository(parseRepositoryName('acme/web')));
      const { id } = present(listed, 'repository');
      equal(await store.findRepositoryName(id), 'acme/web');
      equal(await store.findRepositoryName(id + 1), undefined);
    },
  },
  {
    name: 'a repository is found by its whole name only',
    async run(store) {
      await makeRepository(store, 'acme/my_web');
      for (const name of ['acme', 'acme/my', 'acme/my-web', 'acme/myxweb', 'acme/my_web/api', 'my_web']) {
        equal(await find(store, name), undefined, name);
      }
      ok(await find(store, 'acme/my_web'));
    },
  },
  {
    name: 'the catalog of an empty store is empty',
    async run(store) {
      deepEqual(await catalog(store), []);
    },
  },
  {
    name: 'the catalog holds the repositories that hold a manifest, and no others',
    async run(store) {
      await putSmall(store, 'blob-alone', 1);
      await openSession(store, 'session-alone', 2);
      await store.putManifest(manifestPush('by-digest', 3));
      await store.putManifest(manifestPush('by-tag', 3, { tags: ['v1'] }));
      deepEqual(await catalog(store), ['by-digest', 'by-tag']);
    },
  },
  {
    name: 'the catalog drops a repository with its last manifest and takes it back with the next',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1));
      await store.putManifest(manifestPush('acme/web', 2));
      const act = { repositoryId: await idOf(store, 'acme/web'), by: 'alice', nowMs: startMs, leaseUntilMs: startMs };
      await store.deleteManifest({ ...act, digest: manifestDigest(1) });
      deepEqual(await catalog(store), ['acme/web']);
      await store.deleteManifest({ ...act, digest: manifestDigest(2) });
      deepEqual(await catalog(store), []);
      await store.putManifest(manifestPush('acme/web', 1));
      deepEqual(await catalog(store), ['acme/web']);
    },
  },
  {
    name: 'a manifest that is pushed twice counts once: the catalog drops its repository when it goes',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1));
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['v1'] }));
      const act = { repositoryId: await idOf(store, 'acme/web'), by: 'alice', nowMs: startMs, leaseUntilMs: startMs };
      await store.deleteManifest({ ...act, digest: manifestDigest(1) });
      await store.deleteManifest({ ...act, digest: manifestDigest(1) });
      deepEqual(await catalog(store), []);
    },
  },
  {
    name: 'the catalog is in byte order, and its pages join to the whole',
    async run(store) {
      await fillCatalog(store);
      deepEqual(await catalog(store), names);
      for (const limit of [1, 2, 5, names.length]) {
        const pages = await readPages((after) => catalog(store, after, limit));
        deepEqual(pages.flat(), names);
        ok(pages.every((page) => page.length <= limit));
      }
    },
  },
  {
    name: 'a page of the catalog starts after a name that need not be there',
    async run(store) {
      await fillCatalog(store);
      await makeRepository(store, 'a/aa');
      deepEqual(await catalog(store, 'a/aa', 2), ['a/b', 'a0']);
      deepEqual(await catalog(store, 'a__a0'), ['a_a', 'aa', 'aa/a', 'b']);
      deepEqual(await catalog(store, '0', 1), ['a']);
      deepEqual(await catalog(store, 'b'), []);
      deepEqual(await catalog(store, 'zebra'), []);
    },
  },
];

export const repositoryCases: readonly StoreCase[] = [...birthCases, ...catalogCases];
