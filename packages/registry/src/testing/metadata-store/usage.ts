import { deepEqual, equal, ok } from 'node:assert/strict';
import { parseNamePattern } from '../../access/scope.ts';
import { parseRepositoryName, parseTag, type RepositoryName } from '../../oci/name.ts';
import type { MetadataStore } from '../../storage/metadata-store.ts';
import {
  fill,
  idOf,
  makeRepository,
  manifestDigest,
  manifestPush,
  readPages,
  type StoreCase,
  startMs,
  usageOf,
} from './builders.ts';
import { endingOf } from './conflict.ts';
import { expire, setExpiry } from './tag-expiry.ts';

/** Names in byte order around the namespace `a`, with each character that can follow it. */
const names = [
  '0',
  'a',
  'a-a',
  'a-a/x',
  'a.a',
  'a/a',
  'a/b/c',
  'a/b/c/d',
  'a/z',
  'a0',
  'a_a',
  'aa',
  'aa/a',
  'b/a',
] as const;

async function makeAll(store: MetadataStore): Promise<void> {
  for (const name of names.toReversed()) await makeRepository(store, name);
}

/** The names that a pattern means; undefined: all. */
async function listed(
  store: MetadataStore,
  pattern: string | undefined,
  page: { readonly after?: string; readonly limit?: number } = {},
): Promise<readonly RepositoryName[]> {
  const { after, limit = 100 } = page;
  const parsed = pattern === undefined ? undefined : parseNamePattern(pattern);
  return (await store.listUsage(parsed, { after, limit })).map(({ name }) => name);
}

/** What acme/web counts of its contents. */
async function counts(store: MetadataStore): Promise<readonly [manifests: number, bytes: number, tags: number]> {
  const { manifestCount, manifestBytes, tagCount } = await usageOf(store, 'acme/web');
  return [manifestCount, manifestBytes, tagCount];
}

/** The sum of the sizes of manifests. */
const bytesOfAll = (...numbers: readonly number[]): number =>
  numbers.reduce((sum, n) => sum + manifestPush('unused', n).bytes.byteLength, 0);

const patternCases: readonly StoreCase[] = [
  {
    name: 'usage is listed of every repository, empty ones too, in byte order of their names',
    async run(store) {
      deepEqual(await listed(store, undefined), []);
      await makeAll(store);
      deepEqual(await listed(store, undefined), names);
    },
  },
  {
    name: 'a name means the repository of that name and no other',
    async run(store) {
      await makeAll(store);
      for (const name of names) deepEqual(await listed(store, name), [name]);
      for (const name of ['a/b', 'a/zz', 'c']) deepEqual(await listed(store, name), []);
    },
  },
  {
    name: 'a namespace means all below it, at every depth, and neither itself nor what only begins like it',
    async run(store) {
      await makeAll(store);
      deepEqual(await listed(store, 'a/*'), ['a/a', 'a/b/c', 'a/b/c/d', 'a/z']);
      deepEqual(await listed(store, 'a/b/*'), ['a/b/c', 'a/b/c/d']);
      deepEqual(await listed(store, 'a/b/c/*'), ['a/b/c/d']);
      deepEqual(await listed(store, 'a-a/*'), ['a-a/x']);
      deepEqual(await listed(store, 'aa/*'), ['aa/a']);
      deepEqual(await listed(store, 'a/z/*'), []);
    },
  },
  {
    name: 'pages of usage join to the whole, whatever their length and pattern',
    async run(store) {
      await makeAll(store);
      for (const pattern of [undefined, 'a/*', 'a/b/*', 'a', 'c/*']) {
        const whole = await listed(store, pattern);
        for (const limit of [1, 2, 5]) {
          const pages = await readPages<string>((after) =>
            listed(store, pattern, after === undefined ? { limit } : { after, limit }),
          );
          deepEqual(pages.flat(), whole);
          ok(pages.every((page) => page.length <= limit));
        }
      }
    },
  },
  {
    name: 'a page of usage starts after a text that need not be a name of the pattern',
    async run(store) {
      await makeAll(store);
      deepEqual(await listed(store, 'a/*', { after: 'a/b' }), ['a/b/c', 'a/b/c/d', 'a/z']);
      deepEqual(await listed(store, 'a/*', { after: 'a/b/c', limit: 1 }), ['a/b/c/d']);
      deepEqual(await listed(store, 'a/*', { after: '', limit: 1 }), ['a/a']);
      deepEqual(await listed(store, 'a/*', { after: 'a-a', limit: 1 }), ['a/a']);
      deepEqual(await listed(store, 'a/*', { after: 'a0' }), []);
      deepEqual(await listed(store, 'a', { after: 'a' }), []);
      deepEqual(await listed(store, undefined, { after: 'a/b%', limit: 2 }), ['a/b/c', 'a/b/c/d']);
      deepEqual(await listed(store, undefined, { after: 'b/aa' }), []);
      deepEqual(await listed(store, undefined, { after: 'é' }), []);
    },
  },
];

const countCases: readonly StoreCase[] = [
  {
    name: 'a repository counts its manifests, their bytes and its tags as they come, and not what is pushed again',
    async run(store) {
      await makeRepository(store, 'acme/web');
      deepEqual(await counts(store), [0, 0, 0]);
      await fill(store, 'acme/web', { 1: { tags: ['v1', 'latest'] }, 22: {} });
      deepEqual(await counts(store), [2, bytesOfAll(1, 22), 2]);
      await fill(store, 'acme/web', { 1: { tags: ['v1'] }, 22: { tags: ['latest', 'v22'] } });
      deepEqual(await counts(store), [2, bytesOfAll(1, 22), 3]);
      const record = await store.findRepository(parseRepositoryName('acme/web'));
      equal(record?.manifestCount, 2);
      equal((await store.listRepositories({ after: undefined, limit: 1 }))[0]?.manifestCount, 2);
    },
  },
  {
    name: 'a repository counts down what is deleted, and once',
    async run(store) {
      const repositoryId = await fill(store, 'acme/web', { 1: { tags: ['a', 'b', 'c'] }, 22: { tags: ['d', 'b'] } });
      const act = { repositoryId, by: 'alice', nowMs: startMs, leaseUntilMs: startMs };
      for (const _ of ['first', 'again']) {
        await store.deleteTag({ ...act, tag: parseTag('a') });
        deepEqual(await counts(store), [2, bytesOfAll(1, 22), 3]);
      }
      for (const _ of ['first', 'again']) {
        await store.deleteManifest({ ...act, digest: manifestDigest(22) });
        deepEqual(await counts(store), [1, bytesOfAll(1), 1]);
      }
      await store.deleteManifest({ ...act, digest: manifestDigest(1) });
      deepEqual(await counts(store), [0, 0, 0]);
      await fill(store, 'acme/web', { 22: { tags: ['a'] } });
      deepEqual(await counts(store), [1, bytesOfAll(22), 1]);
    },
  },
  {
    name: 'repositories count each for themselves, and one that is made again from nothing',
    async run(store) {
      await fill(store, 'acme/web', { 1: { tags: ['v1'] } });
      await fill(store, 'acme/api', { 1: { tags: ['v1'] }, 2: { tags: ['v2'] } });
      deepEqual(await counts(store), [1, bytesOfAll(1), 1]);
      await store.addPulls({ entries: [{ repositoryId: await idOf(store, 'acme/web'), pullCount: 1, sentBytes: 2 }] });
      await store.removeRepository({ name: parseRepositoryName('acme/web') });
      deepEqual(await listed(store, undefined), ['acme/api']);
      const id = await makeRepository(store, 'acme/web');
      const none = { manifestCount: 0, manifestBytes: 0, tagCount: 0, pullCount: 0, sentBytes: 0 };
      deepEqual(await usageOf(store, 'acme/web'), { id, name: 'acme/web', ...none });
    },
  },
  {
    name: 'what many commands at once come to is counted right',
    async run(store) {
      const repositoryId = await makeRepository(store, 'acme/web');
      const act = { repositoryId, by: 'alice', nowMs: startMs, leaseUntilMs: startMs };
      const numbers = Array.from({ length: 60 }, (_, n) => n);
      await Promise.all(
        numbers.map(async (n) => {
          const tag = `t${n % 7}`;
          await store.putManifest(manifestPush('acme/web', n % 20, { tags: [tag, `of-${n % 20}`] }));
          if (n % 3 === 0) await store.deleteManifest({ ...act, digest: manifestDigest((n + 1) % 20) });
          if (n % 4 === 0) await store.deleteTag({ ...act, tag: parseTag(tag) });
          if (n % 5 === 0) await setExpiry(store, { repositoryId, tag: `of-${n % 20}` });
          if (n % 10 === 0) await expire(store, { limit: 2 });
          if (n % 6 === 0) {
            const refused = manifestPush('acme/web', 100 + n, { tags: [tag], condition: { ifMatch: ['nothing'] } });
            deepEqual(await endingOf(() => store.putManifest(refused)), { code: 'precondition-failed' });
          }
        }),
      );
      const there = [];
      for (const n of numbers) if (await store.findManifest(repositoryId, { digest: manifestDigest(n) })) there.push(n);
      const tags = await store.listTags(repositoryId, { after: undefined, limit: 1000 });
      deepEqual(await counts(store), [there.length, bytesOfAll(...there), tags.length]);
    },
  },
];

const pullCases: readonly StoreCase[] = [
  {
    name: 'pulls and bytes that were sent add up, for each repository',
    async run(store) {
      const web = await makeRepository(store, 'acme/web');
      const api = await makeRepository(store, 'acme/api');
      const add = (repositoryId: number, pullCount: number, sentBytes: number) => ({
        repositoryId,
        pullCount,
        sentBytes,
      });
      await store.addPulls({ entries: [add(web, 1, 1000), add(api, 0, 7), add(web, 2, 0)] });
      await store.addPulls({ entries: [] });
      await Promise.all([4, 8].map((count) => store.addPulls({ entries: [add(web, count, 2 ** 40)] })));
      const usage = await store.listUsage(parseNamePattern('acme/*'), { after: undefined, limit: 10 });
      deepEqual(
        usage.map(({ name, pullCount, sentBytes }) => [name, pullCount, sentBytes]),
        [
          ['acme/api', 0, 7],
          ['acme/web', 15, 1000 + 2 * 2 ** 40],
        ],
      );
      deepEqual(await counts(store), [0, 0, 0]);
    },
  },
  {
    name: 'pulls of a repository that is gone are passed over, and those beside them count',
    async run(store) {
      const gone = await makeRepository(store, 'acme/api');
      const web = await makeRepository(store, 'acme/web');
      await store.removeRepository({ name: parseRepositoryName('acme/api') });
      const entries = [gone, web, web + 1000].map((repositoryId) => ({ repositoryId, pullCount: 1, sentBytes: 5 }));
      await store.addPulls({ entries });
      await makeRepository(store, 'acme/api');
      const usage = await store.listUsage(undefined, { after: undefined, limit: 10 });
      deepEqual(
        usage.map(({ pullCount }) => pullCount),
        [0, 1],
      );
    },
  },
];

/** What repositories hold and give out. */
export const usageCases: readonly StoreCase[] = [...patternCases, ...countCases, ...pullCases];
