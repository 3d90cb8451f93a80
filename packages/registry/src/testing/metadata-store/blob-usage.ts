import { deepEqual, equal, ok } from 'node:assert/strict';
import { parseNamePattern } from '../../access/scope.ts';
import { parseRepositoryName } from '../../oci/name.ts';
import type { BlobUsage, MetadataStore } from '../../storage/metadata-store.ts';
import { bytesOf, digestOfNumber, idOf, publish, putSmall, type StoreCase } from './builders.ts';

/** Contents whose sizes differ, so that a size tells which it is. */
const [a, b, c, d] = [1, 10, 100, 1000];
const sizeOf = (n: number): number => bytesOf(n).byteLength;

/** Where a blob of the repository `name` is held as a pattern sees it: counted elsewhere, shared beyond the pattern, or its own. */
type Seen = 'counted' | 'shared' | 'own';

const seenAs = ({ isCounted, isShared }: BlobUsage): Seen => (isCounted ? 'counted' : isShared ? 'shared' : 'own');

const list = async (store: MetadataStore, name: string, pattern: string | undefined) =>
  store.listBlobUsage(await idOf(store, name), pattern === undefined ? undefined : parseNamePattern(pattern), {
    afterId: 0,
    limit: 100,
  });

/** Sizes of the blobs of a repository, in the order of their ids, and how they are seen. */
const seen = async (store: MetadataStore, name: string, pattern: string | undefined) =>
  (await list(store, name, pattern)).map((blob) => [blob.sizeBytes, seenAs(blob)]);

/** Puts contents into repositories, in this order. */
async function put(store: MetadataStore, ...contents: readonly (readonly [name: string, ...numbers: number[]])[]) {
  for (const [name, ...numbers] of contents) for (const n of numbers) await putSmall(store, name, n);
}

const sharingCases: readonly StoreCase[] = [
  {
    name: 'a blob that one repository holds is its own, under every pattern that means it',
    async run(store) {
      await put(store, ['acme/web', a], ['other', b]);
      await publish(store, { name: 'acme/web', session: 1, content: c });
      for (const pattern of [undefined, 'acme/web', 'acme/*']) {
        deepEqual(await seen(store, 'acme/web', pattern), [
          [sizeOf(a), 'own'],
          [sizeOf(c), 'own'],
        ]);
      }
    },
  },
  {
    name: 'a blob that repositories of the pattern share is counted once, by the first of them that was made',
    async run(store) {
      await put(store, ['acme/web', a, b], ['acme/api', b, c], ['acme/job/run', b, a, d]);
      for (const pattern of [undefined, 'acme/*']) {
        deepEqual(await seen(store, 'acme/web', pattern), [
          [sizeOf(a), 'own'],
          [sizeOf(b), 'own'],
        ]);
        deepEqual(await seen(store, 'acme/api', pattern), [
          [sizeOf(b), 'counted'],
          [sizeOf(c), 'own'],
        ]);
        deepEqual(await seen(store, 'acme/job/run', pattern), [
          [sizeOf(a), 'counted'],
          [sizeOf(b), 'counted'],
          [sizeOf(d), 'own'],
        ]);
      }
    },
  },
  {
    name: 'a blob that a repository beyond the pattern holds, made before or after, is shared and not counted by it',
    async run(store) {
      await put(store, ['before', a], ['acme/web', a, b, c], ['after', b], ['acme/api', a, c]);
      deepEqual(await seen(store, 'acme/web', 'acme/*'), [
        [sizeOf(a), 'shared'],
        [sizeOf(b), 'shared'],
        [sizeOf(c), 'own'],
      ]);
      deepEqual(await seen(store, 'acme/api', 'acme/*'), [
        [sizeOf(a), 'counted'],
        [sizeOf(c), 'counted'],
      ]);
      deepEqual(await seen(store, 'acme/api', 'acme/api'), [
        [sizeOf(a), 'shared'],
        [sizeOf(c), 'shared'],
      ]);
      deepEqual(await seen(store, 'after', undefined), [[sizeOf(b), 'counted']]);
    },
  },
  {
    name: 'a namespace itself, and names that only begin like it, are beyond the pattern',
    async run(store) {
      for (const [index, name] of ['acme', 'acme-x', 'acme0', 'acme.x/web', 'acmes/web'].entries()) {
        await put(store, [name, index + 1], [`acme/r${index}`, index + 1]);
        deepEqual(await seen(store, `acme/r${index}`, 'acme/*'), [[sizeOf(index + 1), 'shared']], name);
      }
      await put(store, ['acme/deep/er', 7], ['acme/last', 7]);
      deepEqual(await seen(store, 'acme/last', 'acme/*'), [[sizeOf(7), 'counted']]);
    },
  },
  {
    name: 'a blob is counted by the next repository when the first no longer holds it',
    async run(store) {
      await put(store, ['acme/web', a, b], ['acme/api', a, b], ['acme/job', a, b]);
      await store.deleteBlob({ repositoryId: await idOf(store, 'acme/web'), digest: digestOfNumber(a) });
      deepEqual(await seen(store, 'acme/web', 'acme/*'), [[sizeOf(b), 'own']]);
      const uncounted = [sizeOf(b), 'counted'];
      deepEqual(await seen(store, 'acme/api', 'acme/*'), [[sizeOf(a), 'own'], uncounted]);
      await store.removeRepository({ name: parseRepositoryName('acme/web') });
      await store.removeRepository({ name: parseRepositoryName('acme/job') });
      const own = [a, b].map((n) => [sizeOf(n), 'own']);
      deepEqual(await seen(store, 'acme/api', 'acme/api'), own);
    },
  },
];

const pageCases: readonly StoreCase[] = [
  {
    name: 'pages of blobs join to the whole, in the order of their ids, whatever their length',
    async run(store) {
      const numbers = Array.from({ length: 12 }, (_, n) => n);
      await put(store, ['acme/api', ...numbers.filter((n) => n % 3 === 0)], ['acme/web', ...numbers.toReversed()]);
      const id = await idOf(store, 'acme/web');
      const pattern = parseNamePattern('acme/*');
      const whole = await list(store, 'acme/web', 'acme/*');
      equal(whole.length, numbers.length);
      for (const limit of [1, 5, 12]) {
        const blobs: BlobUsage[] = [];
        let page: readonly BlobUsage[];
        do {
          const afterId = blobs.at(-1)?.id ?? 0;
          page = await store.listBlobUsage(id, pattern, { afterId, limit });
          ok(page.length <= limit);
          for (const blob of page) ok(blob.id > afterId, `${blob.id} comes after ${afterId}`);
          blobs.push(...page);
        } while (page.length > 0);
        deepEqual(blobs, whole);
      }
    },
  },
  {
    name: 'a repository that holds no blob, or is not there, lists none',
    async run(store) {
      const id = await putSmall(store, 'acme/web', a);
      await store.deleteBlob({ repositoryId: id, digest: digestOfNumber(a) });
      for (const repositoryId of [id, id + 1000]) {
        deepEqual(await store.listBlobUsage(repositoryId, undefined, { afterId: 0, limit: 10 }), []);
      }
    },
  },
];

/** Blobs of repositories, and who else holds them. */
export const blobUsageCases: readonly StoreCase[] = [...sharingCases, ...pageCases];
