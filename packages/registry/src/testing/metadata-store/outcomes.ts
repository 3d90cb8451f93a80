import { deepEqual, equal } from 'node:assert/strict';
import type { Digest } from '../../oci/digest.ts';
import { parseTag, type Tag } from '../../oci/name.ts';
import type { MetadataStore, StoredManifest } from '../../storage/metadata-store.ts';
import {
  digestOfNumber,
  fill,
  makeRepository,
  manifestDigest,
  manifestPush,
  refuses,
  type StoreCase,
  sorted,
  startMs,
  toBlob,
} from './builders.ts';

const one = manifestDigest(1);
const two = manifestDigest(2);

const push = (store: MetadataStore, n: number, ...tags: readonly string[]): Promise<StoredManifest> =>
  store.putManifest(manifestPush('acme/web', n, { tags }));

const act = { by: 'alice', nowMs: startMs, leaseUntilMs: startMs } as const;

const deleteManifest = (
  store: MetadataStore,
  repositoryId: number,
  digest: Digest,
): Promise<readonly Tag[] | undefined> => store.deleteManifest({ ...act, repositoryId, digest });

const deleteTag = (store: MetadataStore, repositoryId: number, tag: string): Promise<Digest | undefined> =>
  store.deleteTag({ ...act, repositoryId, tag: parseTag(tag) });

const pushCases: readonly StoreCase[] = [
  {
    name: 'a push tells that the manifest is new, and that its tags pointed nowhere',
    async run(store) {
      const moved = ['v2', 'v1'].map((tag) => ({ tag, from: undefined }));
      deepEqual(await push(store, 1, 'v2', 'v1'), { missing: [], isNew: true, moved });
      deepEqual(await push(store, 2), { missing: [], isNew: true, moved: [] });
    },
  },
  {
    name: 'a push again tells that nothing is new and no tag moved',
    async run(store) {
      await push(store, 1, 'v1');
      for (const tags of [['v1'], []]) {
        deepEqual(await push(store, 1, ...tags), { missing: [], isNew: false, moved: [] });
      }
    },
  },
  {
    name: 'a push tells which of its tags moved, in their order, and from where',
    async run(store) {
      await push(store, 1, 'a', 'b');
      await push(store, 2, 'c', 'd');
      const moved = [
        { tag: 'd', from: two },
        { tag: 'e', from: undefined },
        { tag: 'b', from: one },
      ];
      deepEqual(await push(store, 3, 'd', 'e', 'b'), { missing: [], isNew: true, moved });
      const back = [{ tag: 'b', from: manifestDigest(3) }];
      deepEqual(await push(store, 1, 'b', 'a'), { missing: [], isNew: false, moved: back });
    },
  },
  {
    name: 'a manifest that another repository holds is new to this one, and so are its tags',
    async run(store) {
      await fill(store, 'acme/api', { 1: { tags: ['v1'] } });
      deepEqual(await push(store, 1, 'v1'), { missing: [], isNew: true, moved: [{ tag: 'v1', from: undefined }] });
    },
  },
  {
    name: 'a sparse push again tells what is missing still',
    async run(store) {
      const manifest = { edges: [toBlob(digestOfNumber(1))] };
      const sparse = manifestPush('acme/web', 1, { sparse: true, manifest });
      for (const isNew of [true, false]) {
        deepEqual(await store.putManifest(sparse), { missing: [digestOfNumber(1)], isNew, moved: [] });
      }
    },
  },
  {
    name: 'a push that is refused moves and counts nothing, whether the manifest is there or not',
    async run(store) {
      await fill(store, 'acme/web', { 1: { tags: ['held'] }, 2: { tags: ['v1'] } });
      const watched = { name: 'acme/web', numbers: [1, 2, 3] } as const;
      const tags = ['new', 'held', 'v1'];
      for (const n of [1, 3]) {
        const conditional = manifestPush('acme/web', n, { tags, condition: { ifMatch: [one] } });
        await refuses(store, { ...watched, code: 'precondition-failed' }, () => store.putManifest(conditional));
        const manifest = { edges: [toBlob(digestOfNumber(9))] };
        const incomplete = manifestPush('acme/web', n, { tags, manifest });
        await refuses(store, { ...watched, code: 'missing-content' }, () => store.putManifest(incomplete));
      }
    },
  },
];

const deletionCases: readonly StoreCase[] = [
  {
    name: 'a deletion of a manifest tells the tags that went, and not those that had moved away or were deleted',
    async run(store) {
      const id = await fill(store, 'acme/web', { 1: { tags: ['a', 'b', 'c', 'd'] }, 2: { tags: ['b'] } });
      await deleteTag(store, id, 'd');
      deepEqual(sorted((await deleteManifest(store, id, one)) ?? []), ['a', 'c']);
      equal(await deleteManifest(store, id, one), undefined);
      deepEqual(await deleteManifest(store, id, two), ['b']);
    },
  },
  {
    name: 'a deletion of a manifest without tags tells that none went',
    async run(store) {
      const id = await fill(store, 'acme/web', { 1: {}, 2: { tags: ['v1'] } });
      deepEqual(await deleteManifest(store, id, one), []);
    },
  },
  {
    name: 'a deletion of a tag tells the manifest that it pointed to last',
    async run(store) {
      const id = await fill(store, 'acme/web', { 1: { tags: ['v1', 'v2'] }, 2: { tags: ['v1'] } });
      equal(await deleteTag(store, id, 'v1'), two);
      equal(await deleteTag(store, id, 'v2'), one);
      equal(await deleteTag(store, id, 'v2'), undefined);
    },
  },
  {
    name: 'what is not there, or in another repository, is not deleted and nothing is told',
    async run(store) {
      const id = await makeRepository(store, 'acme/web');
      await fill(store, 'acme/api', { 1: { tags: ['v1'] } });
      equal(await deleteManifest(store, id, one), undefined);
      equal(await deleteTag(store, id, 'v1'), undefined);
      equal(await deleteManifest(store, id + 1000, one), undefined);
    },
  },
  {
    name: 'after a deletion a push is a new one',
    async run(store) {
      const id = await fill(store, 'acme/web', { 1: { tags: ['v1', 'v2'] } });
      await deleteTag(store, id, 'v1');
      const fresh = { tag: 'v1', from: undefined };
      deepEqual(await push(store, 1, 'v1', 'v2'), { missing: [], isNew: false, moved: [fresh] });
      await deleteManifest(store, id, one);
      const moved = [fresh, { tag: 'v2', from: undefined }];
      deepEqual(await push(store, 1, 'v1', 'v2'), { missing: [], isNew: true, moved });
    },
  },
];

/** What pushes and deletions tell of what they did. */
export const outcomeCases: readonly StoreCase[] = [...pushCases, ...deletionCases];
