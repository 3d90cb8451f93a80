import { deepEqual, equal, ok } from 'node:assert/strict';
import type { Digest } from '../../oci/digest.ts';
import { parseTag } from '../../oci/name.ts';
import type { MetadataStore } from '../../storage/metadata-store.ts';
import {
  idOf,
  makeRepository,
  manifestDigest,
  manifestPush,
  readPages,
  type StoreCase,
  sorted,
  startMs,
} from './builders.ts';

/** Every kind of character that a tag can have, in byte order. */
const tags = ['0', '1.0', 'A', 'V1', '_', '_v1', 'a', 'v1', 'v1-a', 'v1.a', 'v10', 'v1A', 'v1_a', 'v1a', 'z'] as const;

const list = (store: MetadataStore, repositoryId: number, page: { after?: string; limit?: number } = {}) =>
  store.listTags(repositoryId, { after: page.after, limit: page.limit ?? 100 });

const deleteTag = (store: MetadataStore, repositoryId: number, tag: string): Promise<Digest | undefined> =>
  store.deleteTag({ repositoryId, tag: parseTag(tag), by: 'alice', nowMs: startMs });

/** The digest that a tag holds. */
const held = async (store: MetadataStore, repositoryId: number, tag: string) =>
  (await store.findManifest(repositoryId, { tag: parseTag(tag) }))?.digest;

const listCases: readonly StoreCase[] = [
  {
    name: 'records of tags are listed as tags are, with the manifest, the time of the move and that of the end',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['b', 'a'] }));
      const moved = manifestPush('acme/web', 2, { tags: ['b'], nowMs: startMs + 1000 });
      const id = await idOf(store, 'acme/web');
      await store.putManifest({ ...moved, repository: { ...moved.repository, id } });
      await store.setTagExpiry({ repositoryId: id, tag: parseTag('a'), expiresMs: startMs + 5000 });
      const { mediaType } = moved.manifest;
      const first = { digest: manifestDigest(1), mediaType, sizeBytes: 'manifest 1'.length };
      const second = { digest: moved.digest, mediaType, sizeBytes: 'manifest 2'.length };
      deepEqual(await store.listTagRecords(id, { after: undefined, limit: 2 }), [
        { ...first, tag: 'a', movedMs: startMs, expiresMs: startMs + 5000 },
        { ...second, tag: 'b', movedMs: startMs + 1000, expiresMs: undefined },
      ]);
      deepEqual(
        (await store.listTagRecords(id, { after: 'a', limit: 2 })).map(({ tag }) => tag),
        ['b'],
      );
      deepEqual(
        (await store.listTagRecords(id, { after: undefined, limit: 1 })).map(({ tag }) => tag),
        ['a'],
      );
    },
  },
  {
    name: 'tags are listed in byte order: upper case before lower, - before . before digits before _',
    async run(store) {
      deepEqual(sorted(tags), tags);
      await store.putManifest(manifestPush('acme/web', 1, { tags: tags.toReversed() }));
      deepEqual(await list(store, await idOf(store, 'acme/web')), tags);
    },
  },
  {
    name: 'pages of tags join to the whole, whatever their length',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1, { tags }));
      const id = await idOf(store, 'acme/web');
      for (const limit of [1, 2, 7, tags.length]) {
        const pages = await readPages<string>((after) => store.listTags(id, { after, limit }));
        deepEqual(pages.flat(), tags);
        ok(pages.every((page) => page.length <= limit));
      }
    },
  },
  {
    name: 'a page of tags starts after a text that need not be a tag',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1, { tags }));
      const id = await idOf(store, 'acme/web');
      deepEqual(await list(store, id, { after: 'v1-b', limit: 2 }), ['v1.a', 'v10']);
      deepEqual(await list(store, id, { after: 'B', limit: 1 }), ['V1']);
      deepEqual(await list(store, id, { after: '', limit: 1 }), ['0']);
      deepEqual(await list(store, id, { after: 'v1%', limit: 1 }), ['v1-a']);
      deepEqual(await list(store, id, { after: 'z' }), []);
      deepEqual(await list(store, id, { after: 'é' }), []);
    },
  },
  {
    name: 'a repository lists its own tags, and none where it has none or is not there',
    async run(store) {
      const empty = await makeRepository(store, 'acme/api');
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['v1'] }));
      await store.putManifest(manifestPush('acme/job', 1, { tags: ['v2'] }));
      await store.putManifest(manifestPush('acme/job', 2));
      deepEqual(await list(store, await idOf(store, 'acme/web')), ['v1']);
      deepEqual(await list(store, await idOf(store, 'acme/job')), ['v2']);
      deepEqual(await list(store, empty), []);
      deepEqual(await list(store, empty + 1000), []);
    },
  },
];

const moveCases: readonly StoreCase[] = [
  {
    name: 'a tag that is pushed again moves, and what it held stays under its digest',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['v1', 'latest'] }));
      await store.putManifest(manifestPush('acme/web', 2, { tags: ['v2', 'latest'] }));
      const id = await idOf(store, 'acme/web');
      deepEqual(await list(store, id), ['latest', 'v1', 'v2']);
      equal(await held(store, id, 'latest'), manifestDigest(2));
      equal(await held(store, id, 'v1'), manifestDigest(1));
      ok(await store.findManifest(id, { digest: manifestDigest(1) }));
    },
  },
  {
    name: 'a tag moves back to a manifest that is there already',
    async run(store) {
      for (const n of [1, 2, 1, 1]) await store.putManifest(manifestPush('acme/web', n, { tags: ['v1'] }));
      equal(await held(store, await idOf(store, 'acme/web'), 'v1'), manifestDigest(1));
    },
  },
  {
    name: 'a tag that moved away does not go with the manifest that it held before',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['v1'] }));
      await store.putManifest(manifestPush('acme/web', 2, { tags: ['v1'] }));
      const repositoryId = await idOf(store, 'acme/web');
      const act = { repositoryId, by: 'alice', nowMs: startMs, leaseUntilMs: startMs };
      await store.deleteManifest({ ...act, digest: manifestDigest(1) });
      equal(await held(store, repositoryId, 'v1'), manifestDigest(2));
      await store.deleteManifest({ ...act, digest: manifestDigest(2) });
      deepEqual(await list(store, repositoryId), []);
    },
  },
  {
    name: 'the same tag in two repositories moves for itself',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['v1'] }));
      await store.putManifest(manifestPush('acme/api', 2, { tags: ['v1'] }));
      equal(await held(store, await idOf(store, 'acme/web'), 'v1'), manifestDigest(1));
      equal(await held(store, await idOf(store, 'acme/api'), 'v1'), manifestDigest(2));
    },
  },
  {
    name: 'a deleted tag leaves its manifest and the other tags',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['v1', 'V1', 'latest'] }));
      const id = await idOf(store, 'acme/web');
      equal(await deleteTag(store, id, 'v1'), manifestDigest(1));
      deepEqual(await list(store, id), ['V1', 'latest']);
      equal(await held(store, id, 'v1'), undefined);
      ok(await store.findManifest(id, { digest: manifestDigest(1) }));
      equal(await deleteTag(store, id, 'v1'), undefined);
    },
  },
  {
    name: 'a tag that is not there, or in another repository, is not deleted',
    async run(store) {
      const id = await makeRepository(store, 'acme/web');
      await store.putManifest(manifestPush('acme/api', 1, { tags: ['v1'] }));
      equal(await deleteTag(store, id, 'v1'), undefined);
      equal(await held(store, await idOf(store, 'acme/api'), 'v1'), manifestDigest(1));
    },
  },
  {
    name: 'a deleted tag, or a deleted manifest with it, leaves the same tag of another repository',
    async run(store) {
      for (const name of ['acme/web', 'acme/api']) {
        await store.putManifest(manifestPush(name, 1, { tags: ['v1', 'v2'] }));
      }
      const repositoryId = await idOf(store, 'acme/web');
      await deleteTag(store, repositoryId, 'v1');
      const act = { repositoryId, by: 'alice', nowMs: startMs, leaseUntilMs: startMs };
      await store.deleteManifest({ ...act, digest: manifestDigest(1) });
      deepEqual(await list(store, repositoryId), []);
      deepEqual(await list(store, await idOf(store, 'acme/api')), ['v1', 'v2']);
    },
  },
  {
    name: 'a deleted tag can be pushed again',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['v1'] }));
      const id = await idOf(store, 'acme/web');
      await deleteTag(store, id, 'v1');
      await store.putManifest(manifestPush('acme/web', 2, { tags: ['v1'] }));
      equal(await held(store, id, 'v1'), manifestDigest(2));
      equal(await deleteTag(store, id, 'v1'), manifestDigest(2));
    },
  },
];

/** Tags: lists, moves, deletions. */
export const tagCases: readonly StoreCase[] = [...listCases, ...moveCases];
