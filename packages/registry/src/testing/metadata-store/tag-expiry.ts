import { deepEqual, equal } from 'node:assert/strict';
import { parseRepositoryName, parseTag } from '../../oci/name.ts';
import type { ExpiredContent, MetadataStore } from '../../storage/metadata-store.ts';
import {
  dayMs,
  fill,
  hourMs,
  idOf,
  makeRepository,
  manifestDigest,
  manifestPush,
  refuses,
  type StoreCase,
  sorted,
  startMs,
} from './builders.ts';
import { conflict, tagged } from './conflict.ts';

/** Says when a tag of a repository is to go: by default at the start. */
export const setExpiry = (
  store: MetadataStore,
  at: { readonly repositoryId: number; readonly tag: string; readonly expiresMs?: number | undefined },
): Promise<boolean> => store.setTagExpiry({ expiresMs: startMs, ...at, tag: parseTag(at.tag) });

/** Deletes what is due at a time, by default at the start. */
export const expire = (
  store: MetadataStore,
  { nowMs = startMs, limit = 100 }: { readonly nowMs?: number; readonly limit?: number } = {},
): Promise<ExpiredContent> => store.expireTags({ nowMs, limit, leaseUntilMs: nowMs + dayMs });

/** The tags that went, in their order. */
export const tagsOf = ({ tags }: ExpiredContent): readonly string[] => tags.map(({ tag }) => tag);

const nothing = { tags: [], manifests: [] };

/** A repository where each tag is on a manifest of its own and goes at its time. */
async function fillDue(store: MetadataStore, name: string, times: Readonly<Record<string, number>>): Promise<number> {
  for (const [index, [tag, expiresMs]] of Object.entries(times).entries()) {
    await store.putManifest(manifestPush(name, index, { tags: [tag] }));
    await setExpiry(store, { repositoryId: await idOf(store, name), tag, expiresMs });
  }
  return idOf(store, name);
}

const timeCases: readonly StoreCase[] = [
  {
    name: 'a tag goes when its time has come and not before, and what went is told',
    async run(store) {
      const id = await fillDue(store, 'acme/web', { v1: startMs });
      deepEqual(await expire(store, { nowMs: startMs - 1 }), nothing);
      equal(await tagged(store, id, 'v1'), manifestDigest(0));
      deepEqual(await expire(store), {
        tags: [{ repository: 'acme/web', tag: 'v1', digest: manifestDigest(0) }],
        manifests: [{ repository: 'acme/web', digest: manifestDigest(0) }],
      });
      equal(await tagged(store, id, 'v1'), undefined);
      equal(await store.findManifest(id, { digest: manifestDigest(0) }), undefined);
      deepEqual(await expire(store), nothing);
    },
  },
  {
    name: 'a tag without a time does not go, and one whose time was taken back neither',
    async run(store) {
      const id = await fillDue(store, 'acme/web', { v1: startMs });
      await store.putManifest(manifestPush('acme/web', 7, { tags: ['v2'] }));
      equal(await setExpiry(store, { repositoryId: id, tag: 'v1', expiresMs: undefined }), true);
      deepEqual(await expire(store, { nowMs: Number.MAX_SAFE_INTEGER }), nothing);
    },
  },
  {
    name: 'the time that was set last counts, whether it is earlier or later',
    async run(store) {
      const id = await fillDue(store, 'acme/web', { sooner: startMs + hourMs, later: startMs });
      await setExpiry(store, { repositoryId: id, tag: 'sooner', expiresMs: startMs });
      await setExpiry(store, { repositoryId: id, tag: 'later', expiresMs: startMs + hourMs });
      deepEqual(tagsOf(await expire(store)), ['sooner']);
      deepEqual(tagsOf(await expire(store, { nowMs: startMs + hourMs })), ['later']);
    },
  },
  {
    name: 'a tag that is not there, was deleted or is in another repository is given no time',
    async run(store) {
      const id = await fill(store, 'acme/web', { 1: { tags: ['v1', 'gone'] } });
      const other = await makeRepository(store, 'acme/api');
      await store.deleteTag({ repositoryId: id, tag: parseTag('gone'), by: 'alice', nowMs: startMs });
      for (const tag of ['gone', 'V1', 'v2']) equal(await setExpiry(store, { repositoryId: id, tag }), false, tag);
      equal(await setExpiry(store, { repositoryId: other, tag: 'v1' }), false);
      deepEqual(await expire(store), nothing);
    },
  },
  {
    name: 'a tag that moves keeps its time and goes from where it points then; what it held before stays',
    async run(store) {
      const id = await fillDue(store, 'acme/web', { v1: startMs });
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['v1'] }));
      const gone = { repository: 'acme/web', digest: manifestDigest(1) };
      deepEqual(await expire(store), { tags: [{ ...gone, tag: 'v1' }], manifests: [gone] });
      equal(await tagged(store, id, 'v1'), undefined);
      equal((await store.findManifest(id, { digest: manifestDigest(0) }))?.digest, manifestDigest(0));
    },
  },
  {
    name: 'a tag that was deleted, alone or with its manifest, and is pushed again has no time',
    async run(store) {
      const repositoryId = await fillDue(store, 'acme/web', { alone: startMs, along: startMs });
      const act = { repositoryId, by: 'alice', nowMs: startMs };
      await store.deleteTag({ ...act, tag: parseTag('alone') });
      await store.deleteManifest({ ...act, digest: manifestDigest(1), leaseUntilMs: startMs });
      await fill(store, 'acme/web', { 0: { tags: ['alone'] }, 1: { tags: ['along'] } });
      deepEqual(await expire(store), nothing);
    },
  },
  {
    name: 'a tag that expired and is pushed again has no time',
    async run(store) {
      await fillDue(store, 'acme/web', { v1: startMs });
      await expire(store);
      const { isNew, moved } = await store.putManifest(manifestPush('acme/web', 0, { tags: ['v1'] }));
      deepEqual({ isNew, moved }, { isNew: true, moved: [{ tag: 'v1', from: undefined }] });
      deepEqual(await expire(store), nothing);
    },
  },
];

const orderCases: readonly StoreCase[] = [
  {
    name: 'the tags that are due longest go first, no more than the limit, and the rest the next time',
    async run(store) {
      const [a, b, c, d] = [startMs - 4, startMs - 3, startMs - 2, startMs - 1];
      await fillDue(store, 'acme/web', { third: c, first: a, never: startMs + 1 });
      await fillDue(store, 'acme/api', { second: b, fourth: d });
      deepEqual(tagsOf(await expire(store, { limit: 3 })), ['first', 'second', 'third']);
      deepEqual(tagsOf(await expire(store, { limit: 3 })), ['fourth']);
      deepEqual(await expire(store, { limit: 3 }), nothing);
    },
  },
  {
    name: 'no more tags of one time go than the limit, and each once',
    async run(store) {
      const times = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((tag) => [tag, startMs]));
      await fillDue(store, 'acme/web', times);
      const pages = [await expire(store, { limit: 2 }), await expire(store, { limit: 2 })];
      deepEqual(
        pages.map((page) => [page.tags.length, page.manifests.length]),
        [
          [2, 2],
          [2, 2],
        ],
      );
      pages.push(await expire(store, { limit: 2 }));
      deepEqual(sorted(pages.flatMap(tagsOf)), ['a', 'b', 'c', 'd', 'e']);
    },
  },
  {
    name: 'the same tag and manifest of another repository stay',
    async run(store) {
      await fillDue(store, 'acme/web', { v1: startMs });
      const other = await fillDue(store, 'acme/api', { v1: startMs + 1 });
      deepEqual((await expire(store)).tags.length, 1);
      equal(await tagged(store, other, 'v1'), manifestDigest(0));
    },
  },
  {
    name: 'tags of a repository that was removed are not told, nor do they come to one that is made again',
    async run(store) {
      await fillDue(store, 'acme/web', { v1: startMs });
      await store.removeRepository({ name: parseRepositoryName('acme/web') });
      await fill(store, 'acme/web', { 0: { tags: ['v1'] } });
      deepEqual(await expire(store), nothing);
    },
  },
  {
    name: 'a push that is refused leaves the time of a tag',
    async run(store) {
      await fillDue(store, 'acme/web', { v1: startMs });
      const push = manifestPush('acme/web', 1, { tags: ['v1'], condition: { ifNoneMatch: '*' } });
      const watched = { name: 'acme/web', numbers: [0, 1], code: 'precondition-failed' } as const;
      await refuses(store, watched, () => store.putManifest(push));
      deepEqual(tagsOf(await expire(store)), ['v1']);
    },
  },
];

/** Tags that go by themselves while others do something to them. */
const conflictCases: readonly StoreCase[] = [
  conflict('a tag that moves while it expires: it is on what is there, or gone', async (store, { name }) => {
    const id = await fillDue(store, name, { v1: startMs });
    return {
      first: () => expire(store),
      second: () => store.putManifest(manifestPush(name, 1, { tags: ['v1'] })),
      async holds() {
        const there = await store.findManifest(id, { digest: manifestDigest(1) });
        equal(await tagged(store, id, 'v1'), there?.digest);
        const before = await store.findManifest(id, { digest: manifestDigest(0) });
        equal(before === undefined, there !== undefined, 'the manifest that the tag was at when it went');
      },
    };
  }),
  conflict('a tag whose time is taken back while it expires is kept, or was not there', async (store, { name }) => {
    const id = await fillDue(store, name, { v1: startMs });
    return {
      first: () => expire(store),
      second: () => setExpiry(store, { repositoryId: id, tag: 'v1', expiresMs: undefined }),
      async holds(_, kept) {
        const digest = await tagged(store, id, 'v1');
        deepEqual(kept, { value: digest !== undefined });
        deepEqual(await expire(store, { nowMs: startMs + dayMs }), nothing);
      },
    };
  }),
  conflict(
    'a child that expires while an index comes that names it: it stays, or is missing',
    async (store, { name }) => {
      const id = await fillDue(store, name, { v1: startMs });
      return {
        first: () => expire(store),
        second: () => fill(store, name, { 1: { children: [0] } }),
        async holds(_, push) {
          const index = await store.findManifest(id, { digest: manifestDigest(1) });
          const child = await store.findManifest(id, { digest: manifestDigest(0) });
          equal(index === undefined, child === undefined);
          deepEqual(push, index === undefined ? { code: 'missing-content' } : { value: id });
        },
      };
    },
  ),
  conflict('a tag that two expire at once goes once', async (store, { name }) => {
    await fillDue(store, name, { v1: startMs, v2: startMs });
    const told: ExpiredContent[] = [];
    const expireOne = async () => told.push(await expire(store, { limit: 2 }));
    return {
      first: expireOne,
      second: expireOne,
      async holds() {
        deepEqual(sorted(told.flatMap(tagsOf)), ['v1', 'v2']);
        equal(told.flatMap(({ manifests }) => manifests).length, 2);
      },
    };
  }),
];

/** Tags that go when their time has come. */
export const tagExpiryCases: readonly StoreCase[] = [...timeCases, ...orderCases, ...conflictCases];
