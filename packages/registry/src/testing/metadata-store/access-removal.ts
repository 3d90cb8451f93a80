import { deepEqual, equal, notEqual, rejects } from 'node:assert/strict';
import { parseRepositoryName } from '../../oci/name.ts';
import { isStorageError } from '../../storage/error.ts';
import type { MetadataStore } from '../../storage/metadata-store.ts';
import { grant, grantsOn, rolesOf } from './access-grants.ts';
import {
  catalog,
  dayMs,
  digestOfNumber,
  hourMs,
  idOf,
  keyOf,
  leaseSession,
  manifestDigest,
  manifestPush,
  openSession,
  present,
  publish,
  publishLeased,
  pushTo,
  putSmall,
  readAll,
  refuses,
  type StoreCase,
  sessionOf,
  startMs,
  toBlob,
  toChild,
} from './builders.ts';
import { conflict, done } from './conflict.ts';

const numbers = [1, 2, 3, 4, 5];

/** A repository with all that one can have: blobs 1 (in a file, key 1) and 2, manifest 3 with a tag that moved, its referrer 4 and index 5, and session 4. */
async function fill(store: MetadataStore, name: string): Promise<number> {
  const { repositoryId } = await publish(store, { name, session: 1, content: 1 });
  await putSmall(store, name, 2);
  const edges = [1, 2].map((n) => toBlob(digestOfNumber(n)));
  await store.putManifest(manifestPush(name, 3, { tags: ['v1', 'v2'], manifest: { edges } }));
  await store.putManifest(manifestPush(name, 4, { manifest: { subject: manifestDigest(3) } }));
  await store.putManifest(manifestPush(name, 5, { tags: ['v1'], manifest: { edges: [toChild(manifestDigest(3))] } }));
  await openSession(store, name, 4);
  return repositoryId;
}

const remove = (store: MetadataStore, name: string): Promise<boolean> =>
  store.removeRepository({ name: parseRepositoryName(name) });

const removalCases: readonly StoreCase[] = [
  {
    name: 'a repository that is removed is gone with all that it held',
    async run(store) {
      const id = await fill(store, 'acme/web');
      equal(await remove(store, 'acme/web'), true);
      equal(await store.findRepository(parseRepositoryName('acme/web')), undefined);
      equal(await store.findRepositoryName(id), undefined);
      deepEqual(await catalog(store), []);
      deepEqual(await store.listTags(id, { after: undefined, limit: 10 }), []);
      const page = { after: undefined, limit: 10, artifactType: undefined, pageBytes: 1_000_000 };
      deepEqual((await store.listReferrers(id, manifestDigest(3), page)).items, []);
      for (const n of numbers) {
        equal(await store.findBlob(id, digestOfNumber(n)), undefined);
        deepEqual(await store.findRepositoriesWithBlob(digestOfNumber(n), 10), []);
        equal(await store.readManifest(id, { digest: manifestDigest(n) }), undefined);
        equal(await store.findUpload(id, sessionOf(n)), undefined);
      }
    },
  },
  {
    name: 'a repository that is not there cannot be removed, nor one twice, nor a namespace',
    async run(store) {
      await putSmall(store, 'acme/web', 1);
      for (const name of ['acme', 'acme/we', 'acme/web/api']) equal(await remove(store, name), false, name);
      equal(await remove(store, 'acme/web'), true);
      equal(await remove(store, 'acme/web'), false);
    },
  },
  {
    name: 'the removal of a repository takes nothing from others that hold the same',
    async run(store) {
      await fill(store, 'acme/web');
      const watched = ['acme', 'acme/web/api', 'acme/web2'];
      for (const name of watched) {
        await putSmall(store, name, 2);
        await store.mountBlob({
          ...pushTo(name),
          fromRepositoryId: await idOf(store, 'acme/web'),
          digest: digestOfNumber(1),
          leaseUntilMs: startMs + dayMs,
        });
        const edges = [1, 2].map((n) => toBlob(digestOfNumber(n)));
        await store.putManifest(manifestPush(name, 3, { tags: ['v1'], manifest: { edges } }));
      }
      await openSession(store, 'acme', 5);
      const readOthers = () => Promise.all(watched.map((name) => readAll(store, name, [1, 2, 3, 5])));
      const before = await readOthers();
      await remove(store, 'acme/web');
      deepEqual(await readOthers(), before);
      deepEqual(await catalog(store), watched);
    },
  },
  {
    name: 'contents stay in the store when the repository that alone held them is removed; keys of its sessions are known no more',
    async run(store) {
      await fill(store, 'acme/web');
      await remove(store, 'acme/web');
      deepEqual([...(await store.findKnownKeys([keyOf(1), keyOf(4)]))], [keyOf(1)]);
      const again = await publish(store, { name: 'acme/other', session: 6, content: 1 });
      equal(again.unneededKey, keyOf(6));
      const found = present(await store.findBlob(again.repositoryId, digestOfNumber(1)), 'blob 1');
      deepEqual(found.content, { key: keyOf(1) });
    },
  },
  {
    name: 'the grants on a name go with its repository, and those on namespaces stay',
    async run(store) {
      await putSmall(store, 'acme/web', 1);
      await store.putGrant(grant('acme/web', '@staff', 'reader'));
      await store.putGrant(grant('acme/web/*', 'bob', 'reader'));
      await store.putGrant(grant('acme/*', 'carol', 'contributor'));
      await store.putGrant(grant('acme/web2', 'bob', 'reader'));
      await remove(store, 'acme/web');
      deepEqual(await grantsOn(store, 'acme/web'), []);
      deepEqual(await rolesOf(store, 'acme/web', 'alice', '@staff', 'bob', 'carol'), ['contributor']);
      deepEqual(await rolesOf(store, 'acme/web2', 'bob'), ['reader']);
      deepEqual(await rolesOf(store, 'acme/web/api', 'bob'), ['reader']);
    },
  },
  {
    name: 'a removal that finds no repository leaves the grants on its name',
    async run(store) {
      await store.putGrant(grant('acme/web', 'bob', 'reader'));
      equal(await remove(store, 'acme/web'), false);
      deepEqual(await grantsOn(store, 'acme/web'), [['bob', 'reader']]);
    },
  },
  {
    name: 'a repository that is made again under the name is another one: it has nothing of the first, and its maker owns it',
    async run(store) {
      const id = await fill(store, 'acme/web');
      await remove(store, 'acme/web');
      const again = await putSmall(store, pushTo('acme/web', { by: 'bob', visibility: 'public' }), 3);
      notEqual(again, id);
      const found = await store.findRepository(parseRepositoryName('acme/web'));
      deepEqual(found, { id: again, name: 'acme/web', visibility: 'public', createdBy: 'bob', manifestCount: 0 });
      deepEqual(await grantsOn(store, 'acme/web'), [['bob', 'owner']]);
      deepEqual(await catalog(store), []);
      equal(await store.findBlob(again, digestOfNumber(1)), undefined);
      deepEqual(await store.listTags(again, { after: undefined, limit: 10 }), []);
    },
  },
];

const lateCases: readonly StoreCase[] = [
  {
    name: 'a writer finds its session gone when the repository is removed',
    async run(store) {
      const repositoryId = await openSession(store, 'acme/web', 1);
      const { epoch } = await leaseSession(store, repositoryId, 1);
      await remove(store, 'acme/web');
      const hold = { session: sessionOf(1), epoch, nowMs: startMs };
      const notFound = (error: unknown): boolean => isStorageError(error, 'not-found');
      await rejects(() => store.renewUpload({ ...hold, untilMs: startMs + hourMs }), notFound);
      await rejects(() => publishLeased(store, { repositoryId, session: 1, content: 1, epoch }), notFound);
      await rejects(() => leaseSession(store, repositoryId, 1), notFound);
    },
  },
  {
    name: 'a permit for a repository that was removed writes nothing, also when the name was made again',
    async run(store) {
      const id = await fill(store, 'acme/web');
      await remove(store, 'acme/web');
      const repository = { id, name: parseRepositoryName('acme/web') };
      const watched = { name: 'acme/web', numbers, code: 'repository-changed' } as const;
      const late = () => store.putManifest(manifestPush('acme/web', 1, { repository, tags: ['v1'] }));
      await refuses(store, watched, late);
      await putSmall(store, pushTo('acme/web', { by: 'bob' }), 3);
      await refuses(store, watched, late);
      const mount = { fromRepositoryId: id, digest: digestOfNumber(1), leaseUntilMs: startMs + dayMs };
      equal(await store.mountBlob({ ...pushTo('acme/other'), ...mount }), false);
      const act = { repositoryId: id, by: 'alice', nowMs: startMs, leaseUntilMs: startMs };
      equal(await store.deleteManifest({ ...act, digest: manifestDigest(3) }), undefined);
      equal(await store.deleteBlob({ repositoryId: id, digest: digestOfNumber(1) }), false);
    },
  },
  conflict('a repository that goes while a manifest comes: it is gone after both', async (store, round) => {
    const repository = { id: await putSmall(store, round.name, 1), name: parseRepositoryName(round.name) };
    const edges = [toBlob(digestOfNumber(1))];
    return {
      first: () => remove(store, round.name),
      second: () => store.putManifest(manifestPush(round.name, 1, { repository, tags: ['v1'], manifest: { edges } })),
      async holds(removal, push) {
        deepEqual(removal, { value: true });
        if (!done(push)) deepEqual(push, { code: 'repository-changed' });
        equal(await store.findRepository(repository.name), undefined);
        equal(await store.readManifest(repository.id, { digest: manifestDigest(1) }), undefined);
        deepEqual(await grantsOn(store, round.name), []);
      },
    };
  }),
  conflict('a repository that goes while a blob is published: neither is there after both', async (store, round) => {
    const repositoryId = await openSession(store, round.name, round.n);
    const { epoch } = await leaseSession(store, repositoryId, round.n);
    return {
      first: () => remove(store, round.name),
      second: () => publishLeased(store, { repositoryId, session: round.n, content: round.n, epoch }),
      async holds(removal, publication) {
        deepEqual(removal, { value: true });
        if (!done(publication)) deepEqual(publication, { code: 'not-found' });
        equal(await store.findBlob(repositoryId, digestOfNumber(round.n)), undefined);
        equal((await store.findKnownKeys([keyOf(round.n)])).has(keyOf(round.n)), done(publication));
      },
    };
  }),
];

/** The end of a repository. */
export const accessRemovalCases: readonly StoreCase[] = [...removalCases, ...lateCases];
