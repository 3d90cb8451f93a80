import { deepEqual, equal } from 'node:assert/strict';
import type { MetadataStore } from '../../storage/metadata-store.ts';
import {
  catalog,
  dayMs,
  digestOfNumber,
  fill,
  hourMs,
  idOf,
  type ManifestLinks,
  manifestDigest,
  manifestPush,
  present,
  refuses,
  type StoreCase,
  sorted,
  startMs,
  usageOf,
} from './builders.ts';
import { expire, setExpiry } from './tag-expiry.ts';

/** What goes and what stays of a repository `acme/web` when its tags that begin with `due` do. */
interface ContentRow {
  readonly name: string;
  readonly manifests: Readonly<Record<number, ManifestLinks>>;
  /** Numbers of the manifests that go; all others stay. */
  readonly gone: readonly number[];
}

const rows: readonly ContentRow[] = [
  {
    name: 'a manifest stays while another tag points to it',
    manifests: { 1: { tags: ['due', 'v1'] }, 2: { tags: ['due-2'] } },
    gone: [2],
  },
  {
    name: 'a manifest goes with the last of several tags that are due',
    manifests: { 1: { tags: ['due', 'due-2', 'due-3'] } },
    gone: [1],
  },
  {
    name: 'a manifest that had no tag before stays: nothing of its own was due',
    manifests: { 1: { tags: ['due'] }, 2: {}, 3: { children: [2] } },
    gone: [1],
  },
  {
    name: 'a manifest stays while an index names it',
    manifests: { 1: { tags: ['due'] }, 2: { children: [1] } },
    gone: [],
  },
  {
    name: 'the children of an index go with it, and theirs',
    manifests: { 1: {}, 2: {}, 3: { children: [1] }, 4: { tags: ['due'], children: [2, 3] } },
    gone: [1, 2, 3, 4],
  },
  {
    name: 'a child with a tag of its own stays, with what it needs',
    manifests: { 1: {}, 2: { tags: ['v1'], children: [1] }, 3: {}, 4: { tags: ['due'], children: [2, 3] } },
    gone: [3, 4],
  },
  {
    name: 'a child that another index names stays',
    manifests: { 1: {}, 2: {}, 3: { tags: ['due'], children: [1, 2] }, 4: { tags: ['v1'], children: [2] } },
    gone: [1, 3],
  },
  {
    name: 'a child that two indexes name goes with the second',
    manifests: { 1: {}, 2: { tags: ['due'], children: [1] }, 3: { tags: ['due-2'], children: [1] } },
    gone: [1, 2, 3],
  },
  {
    name: 'a child that is come to in several ways goes once',
    manifests: {
      1: {},
      2: { children: [1] },
      3: { children: [1, 2] },
      4: { subject: 3 },
      5: { tags: ['due'], children: [1, 2, 3, 4], subject: 4 },
    },
    gone: [1, 2, 3, 4, 5],
  },
  {
    name: 'a child and its index whose tags are due at once go, whichever is first',
    manifests: { 1: { tags: ['due-z'] }, 2: { tags: ['due-a'] }, 3: { tags: ['due-m'], children: [1, 2] } },
    gone: [1, 2, 3],
  },
  {
    name: 'referrers go with their subject, and those of referrers and of children',
    manifests: { 1: {}, 2: { tags: ['due'], children: [1] }, 3: { subject: 2 }, 4: { subject: 3 }, 5: { subject: 1 } },
    gone: [1, 2, 3, 4, 5],
  },
  {
    name: 'a referrer with a tag stays, and one that an index names, with what refers to them',
    manifests: {
      1: { tags: ['due'] },
      2: { subject: 1, tags: ['v1'] },
      3: { subject: 1 },
      4: { children: [3], tags: ['v2'] },
      5: { subject: 2 },
      6: { subject: 1 },
    },
    gone: [1, 6],
  },
  {
    name: 'referrers stay while their subject does',
    manifests: { 1: { tags: ['due', 'v1'] }, 2: { subject: 1 }, 3: { tags: ['due-2'], subject: 1 } },
    gone: [3],
  },
  {
    name: 'what refers to something else, there or not, stays',
    manifests: { 1: { tags: ['due'] }, 2: { tags: ['v1'] }, 3: { subject: 2 }, 4: { subject: 99 } },
    gone: [1],
  },
];

/** Gives each tag of acme/web that begins with `due` the time of the start, and lets them go. */
async function expireDue(store: MetadataStore, repositoryId: number) {
  const tags = await store.listTags(repositoryId, { after: undefined, limit: 100 });
  for (const tag of tags) if (tag.startsWith('due')) await setExpiry(store, { repositoryId, tag });
  return expire(store);
}

const ruleCases = rows.map(
  ({ name, manifests, gone }): StoreCase => ({
    name: `expiry: ${name}`,
    async run(store) {
      const id = await fill(store, 'acme/web', manifests);
      const other = await fill(store, 'acme/api', manifests);
      const expired = await expireDue(store, id);
      const told = expired.manifests.map(({ repository, digest }) => `${repository} ${digest}`);
      deepEqual(sorted(told), sorted(gone.map((n) => `acme/web ${manifestDigest(n)}`)));
      for (const n of Object.keys(manifests).map(Number)) {
        const digest = manifestDigest(n);
        equal((await store.findManifest(id, { digest })) === undefined, gone.includes(n), `manifest ${n}`);
        equal((await store.findManifest(other, { digest }))?.digest, digest);
      }
    },
  }),
);

const contentCases: readonly StoreCase[] = [
  {
    name: 'expiry: what came back after it had gone is told again',
    async run(store) {
      for (const _ of ['first', 'again']) {
        const id = await fill(store, 'acme/web', { 1: {}, 2: { tags: ['due'], children: [1] } });
        equal((await expireDue(store, id)).manifests.length, 2);
      }
    },
  },
  {
    name: 'expiry: an index goes though a child of it was deleted or never came',
    async run(store) {
      const id = await fill(store, 'acme/web', { 1: {}, 2: {}, 3: { tags: ['due'], children: [1, 2] } });
      const act = { by: 'alice', nowMs: startMs, leaseUntilMs: startMs };
      await store.deleteManifest({ ...act, repositoryId: id, digest: manifestDigest(1) });
      const edges = [{ digest: manifestDigest(9), kind: 'manifest', required: true }] as const;
      await store.putManifest(manifestPush('acme/web', 4, { sparse: true, tags: ['due-2'], manifest: { edges } }));
      const { manifests } = await expireDue(store, id);
      deepEqual(sorted(manifests.map(({ digest }) => digest)), sorted([2, 3, 4].map(manifestDigest)));
    },
  },
  {
    name: 'expiry: the manifests that need each other may be thousands in a row',
    async run(store) {
      const length = 5000;
      const subjectOf = (n: number) => (n === 0 ? undefined : manifestDigest(n - 1));
      const numbers = Array.from({ length }, (_, n) => n);
      await Promise.all(
        numbers.map((n) => {
          const tags = n === 0 ? ['due'] : [];
          return store.putManifest(manifestPush('acme/web', n, { tags, manifest: { subject: subjectOf(n) } }));
        }),
      );
      equal((await expireDue(store, await idOf(store, 'acme/web'))).manifests.length, length);
      deepEqual(await catalog(store), []);
    },
  },
  {
    name: 'expiry: blobs stay until their lease ends, which is prolonged and never cut, and then can be deleted',
    async run(store) {
      const id = await fill(store, 'acme/web', { 1: { blobs: [1, 2] }, 2: { tags: ['due'], children: [1] } });
      const long = { repositoryId: id, digest: digestOfNumber(2), leaseUntilMs: startMs + 9 * dayMs };
      await store.renewBlobLease(long);
      const watched = { name: 'acme/web', numbers: [1, 2], code: 'in-use', detail: manifestDigest(1) } as const;
      const deleteBlob = (n: number) => store.deleteBlob({ repositoryId: id, digest: digestOfNumber(n) });
      await refuses(store, watched, () => deleteBlob(1));
      await setExpiry(store, { repositoryId: id, tag: 'due', expiresMs: startMs + hourMs });
      await expire(store, { nowMs: startMs + hourMs });
      const leases = [1, 2].map(async (n) => present(await store.findBlob(id, digestOfNumber(n)), `blob ${n}`));
      deepEqual(
        (await Promise.all(leases)).map(({ leaseUntilMs }) => leaseUntilMs),
        [startMs + hourMs + dayMs, startMs + 9 * dayMs],
      );
      equal(await deleteBlob(1), true);
    },
  },
  {
    name: 'expiry: a blob that a manifest which stays names, too, cannot be deleted',
    async run(store) {
      const id = await fill(store, 'acme/web', { 1: { blobs: [1], tags: ['due'] }, 2: { blobs: [1] } });
      await expireDue(store, id);
      const watched = { name: 'acme/web', numbers: [1, 2], code: 'in-use', detail: manifestDigest(2) } as const;
      await refuses(store, watched, () => store.deleteBlob({ repositoryId: id, digest: digestOfNumber(1) }));
    },
  },
  {
    name: 'expiry: what went is counted no more, and the catalog drops a repository that holds nothing',
    async run(store) {
      const kept = { 1: { tags: ['due', 'v1'] }, 2: {}, 3: { tags: ['due-2'], children: [2] } };
      const id = await fill(store, 'acme/web', kept);
      await expireDue(store, await fill(store, 'acme/api', { 1: {}, 2: { tags: ['due'], children: [1] } }));
      await expireDue(store, id);
      const { manifestCount, manifestBytes, tagCount } = await usageOf(store, 'acme/web');
      const { bytes } = manifestPush('acme/web', 1);
      deepEqual([manifestCount, manifestBytes, tagCount], [1, bytes.byteLength, 1]);
      const empty = await usageOf(store, 'acme/api');
      deepEqual([empty.manifestCount, empty.manifestBytes, empty.tagCount], [0, 0, 0]);
      deepEqual(await catalog(store), ['acme/web']);
    },
  },
];

/** What goes with tags whose time has come. */
export const expiredContentCases: readonly StoreCase[] = [...ruleCases, ...contentCases];
