import { deepEqual, equal, ok } from 'node:assert/strict';
import {
  digestOfNumber,
  idOf,
  makeRepository,
  manifestDigest,
  manifestPush,
  openSession,
  type StoreCase,
  sessionOf,
  toBlob,
} from './builders.ts';
import { endingOf, tagged } from './conflict.ts';

/** Many commands at once. */
export const crowdCases: readonly StoreCase[] = [
  {
    name: 'commands that are refused among many at once leave the others done',
    async run(store) {
      const id = await makeRepository(store, 'acme/web');
      const numbers = Array.from({ length: 60 }, (_, n) => n);
      const edges = (n: number) => (n % 3 === 0 ? [toBlob(digestOfNumber(n))] : []);
      const endings = await Promise.all(
        numbers.map((n) =>
          endingOf(() =>
            store.putManifest(manifestPush('acme/web', n, { manifest: { edges: edges(n) }, tags: [`t${n}`] })),
          ),
        ),
      );
      for (const n of numbers) {
        const stored = { missing: [], isNew: true, moved: [{ tag: `t${n}`, from: undefined }] };
        deepEqual(endings[n], n % 3 === 0 ? { code: 'missing-content' } : { value: stored });
        equal(await tagged(store, id, `t${n}`), n % 3 === 0 ? undefined : manifestDigest(n));
      }
    },
  },
  {
    name: 'one repository is made by many pushes of one identity at once',
    async run(store) {
      const numbers = Array.from({ length: 20 }, (_, n) => n);
      const ids = await Promise.all(numbers.map((n) => openSession(store, 'acme/web', n)));
      equal(new Set(ids).size, 1);
      for (const n of numbers) ok(await store.findUpload(ids[0] ?? 0, sessionOf(n)));
    },
  },
  {
    name: 'a command that is awaited is seen by every read that starts after it',
    async run(store) {
      for (let n = 0; n < 20; n++) {
        await store.putManifest(manifestPush('acme/web', n, { tags: ['latest'] }));
        const id = await idOf(store, 'acme/web');
        const seen = await Promise.all(Array.from({ length: 4 }, () => tagged(store, id, 'latest')));
        deepEqual(new Set(seen), new Set([manifestDigest(n)]));
      }
    },
  },
];
