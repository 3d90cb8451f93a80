import { deepEqual, equal, ok } from 'node:assert/strict';
import type { MetadataStore } from '../../storage/metadata-store.ts';
import {
  bytesOf,
  dayMs,
  digestOfNumber,
  hourMs,
  idOf,
  keyOf,
  leaseSession,
  leaseSessionAt,
  openSession,
  present,
  publish,
  publishLeased,
  pushTo,
  putSmall,
  refuses,
  type StoreCase,
  sessionOf,
  sorted,
  startMs,
} from './builders.ts';

/** Ends sessions that were last used before `usedBeforeMs`, long after their leases ended. */
const expire = (store: MetadataStore, usedBeforeMs: number, limit = 100) =>
  store.expireUploads({ usedBeforeMs, nowMs: startMs + dayMs, limit });

/** A session from its opening to its end. */
const sessionCases: readonly StoreCase[] = [
  {
    name: 'a session is found as it was opened, and nobody holds it',
    async run(store) {
      const repositoryId = await openSession(store, 'acme/web', 1);
      const found = present(await store.findUpload(repositoryId, sessionOf(1)), 'session');
      const { epoch, leaseUntilMs, usedMs, ...opened } = found;
      deepEqual(opened, { session: sessionOf(1), key: keyOf(1), algorithm: 'sha256' });
      ok(Number.isSafeInteger(epoch));
      ok(leaseUntilMs <= startMs);
      equal(usedMs, startMs);
      equal(await store.findUpload(repositoryId, sessionOf(2)), undefined);
    },
  },
  {
    name: 'a session keeps the algorithm that it was opened with',
    async run(store) {
      const opening = { session: sessionOf(1), key: keyOf(1), algorithm: 'sha512' } as const;
      await store.openUpload({ ...pushTo('acme/web'), ...opening });
      const repositoryId = await idOf(store, 'acme/web');
      equal((await store.findUpload(repositoryId, sessionOf(1)))?.algorithm, 'sha512');
      equal((await leaseSession(store, repositoryId, 1)).algorithm, 'sha512');
    },
  },
  {
    name: 'a session of one repository is not found, leased, cancelled or published through another',
    async run(store) {
      const mine = await openSession(store, 'acme/web', 1);
      const other = await putSmall(store, 'acme/api', 2);
      equal(await store.findUpload(other, sessionOf(1)), undefined);
      equal(await store.cancelUpload({ repositoryId: other, session: sessionOf(1) }), undefined);
      const watched = { name: 'acme/web', numbers: [1], code: 'not-found' } as const;
      await refuses(store, watched, () => leaseSession(store, other, 1));
      const { epoch } = await leaseSession(store, mine, 1);
      const held = { repositoryId: other, session: 1, epoch, content: 1 };
      await refuses(store, watched, () => publishLeased(store, held));
      await refuses(store, { ...watched, name: 'acme/api' }, () => publishLeased(store, held));
    },
  },
  {
    name: 'a leased session is told to its writer as it is found then',
    async run(store) {
      const repositoryId = await openSession(store, 'acme/web', 1);
      const before = present(await store.findUpload(repositoryId, sessionOf(1)), 'session');
      const lease = await leaseSession(store, repositoryId, 1);
      deepEqual(lease, await store.findUpload(repositoryId, sessionOf(1)));
      deepEqual(lease, { ...before, epoch: lease.epoch, leaseUntilMs: startMs + hourMs });
      ok(lease.epoch > before.epoch);
      const nowMs = startMs + 1;
      await store.renewUpload({ session: sessionOf(1), epoch: lease.epoch, nowMs, untilMs: nowMs + hourMs });
      const renewed = { ...lease, leaseUntilMs: nowMs + hourMs, usedMs: nowMs };
      deepEqual(await store.findUpload(repositoryId, sessionOf(1)), renewed);
    },
  },
  {
    name: 'opening a session tells the repository that it is in',
    async run(store) {
      const repositoryId = await openSession(store, 'acme/web', 1);
      equal(repositoryId, await idOf(store, 'acme/web'));
      equal(await openSession(store, 'acme/web', 2), repositoryId);
    },
  },
  {
    name: 'commands on a session that is not there are refused as not-found',
    async run(store) {
      const repositoryId = await putSmall(store, 'acme/web', 2);
      const session = sessionOf(1);
      const watched = { name: 'acme/web', numbers: [1, 2], code: 'not-found' } as const;
      await refuses(store, watched, () => leaseSession(store, repositoryId, 1));
      await refuses(store, watched, () =>
        store.renewUpload({ session, epoch: 1, nowMs: startMs, untilMs: startMs + hourMs }),
      );
      const nothing = { session, epoch: 1, nowMs: startMs };
      await refuses(store, watched, () => store.saveUpload(nothing));
      await refuses(store, watched, () => publishLeased(store, { repositoryId, session: 1, epoch: 1, content: 1 }));
      equal(await store.cancelUpload({ repositoryId, session }), undefined);
    },
  },
  {
    name: 'a cancelled session gives its key and is gone',
    async run(store) {
      const repositoryId = await openSession(store, 'acme/web', 1);
      await openSession(store, 'acme/web', 2);
      equal(await store.cancelUpload({ repositoryId, session: sessionOf(1) }), keyOf(1));
      equal(await store.findUpload(repositoryId, sessionOf(1)), undefined);
      equal(await store.cancelUpload({ repositoryId, session: sessionOf(1) }), undefined);
      ok(await store.findUpload(repositoryId, sessionOf(2)));
    },
  },
  {
    name: 'a session can be cancelled under its writer, whose commands then find nothing',
    async run(store) {
      const repositoryId = await openSession(store, 'acme/web', 1);
      const { epoch } = await leaseSession(store, repositoryId, 1);
      equal(await store.cancelUpload({ repositoryId, session: sessionOf(1) }), keyOf(1));
      const watched = { name: 'acme/web', numbers: [1], code: 'not-found' } as const;
      const save = { session: sessionOf(1), epoch, nowMs: startMs };
      await refuses(store, watched, () => store.saveUpload(save));
      await refuses(store, watched, () => publishLeased(store, { repositoryId, session: 1, epoch, content: 1 }));
    },
  },
];

const expiryCases: readonly StoreCase[] = [
  {
    name: 'sessions that were last used before a time end, and give their keys',
    async run(store) {
      const repositoryId = await openSession(store, 'acme/web', 1);
      await openSession(store, pushTo('acme/api', { nowMs: startMs + 1 }), 2);
      await openSession(store, pushTo('acme/web', { nowMs: startMs + 2 }), 3);
      deepEqual(sorted(await expire(store, startMs + 2)), [keyOf(1), keyOf(2)]);
      equal(await store.findUpload(repositoryId, sessionOf(1)), undefined);
      equal(await store.findUpload(await idOf(store, 'acme/api'), sessionOf(2)), undefined);
      ok(await store.findUpload(repositoryId, sessionOf(3)));
      deepEqual(await expire(store, startMs + 2), []);
    },
  },
  {
    name: 'no more sessions end than the limit says, and the rest the next time',
    async run(store) {
      for (const n of [1, 2, 3, 4, 5]) await openSession(store, 'acme/web', n);
      const pages = [await expire(store, startMs + 1, 2), await expire(store, startMs + 1, 2)];
      deepEqual(
        pages.map((page) => page.length),
        [2, 2],
      );
      pages.push(await expire(store, startMs + 1, 2));
      deepEqual(sorted(pages.flat()), [1, 2, 3, 4, 5].map(keyOf));
    },
  },
  {
    name: 'a session that someone writes to does not end, however old, and takes no place in the limit',
    async run(store) {
      const repositoryId = await openSession(store, 'acme/web', 1);
      await openSession(store, 'acme/web', 2);
      await store.leaseUpload({ repositoryId, session: sessionOf(1), nowMs: startMs, untilMs: startMs + 2 * dayMs });
      deepEqual(await expire(store, startMs + dayMs, 1), [keyOf(2)]);
      deepEqual(await expire(store, startMs + dayMs, 1), []);
      ok(await store.findUpload(repositoryId, sessionOf(1)));
    },
  },
  {
    name: 'a session whose writer went away ends once the lease has',
    async run(store) {
      const repositoryId = await openSession(store, 'acme/web', 1);
      await leaseSession(store, repositoryId, 1);
      const usedBeforeMs = startMs + hourMs;
      const during = await store.expireUploads({ usedBeforeMs, nowMs: startMs + hourMs - 1, limit: 10 });
      const after = await store.expireUploads({ usedBeforeMs, nowMs: startMs + hourMs + 1, limit: 10 });
      deepEqual([during, after], [[], [keyOf(1)]]);
    },
  },
  {
    name: 'taking a session and saving it are uses',
    async run(store) {
      const repositoryId = await openSession(store, 'acme/web', 1);
      await leaseSessionAt(store, { repositoryId, n: 1, nowMs: startMs + hourMs });
      deepEqual(await expire(store, startMs + hourMs), []);
      const { epoch } = await leaseSessionAt(store, { repositoryId, n: 1, nowMs: startMs + 3 * hourMs });
      const save = { session: sessionOf(1), epoch };
      await store.saveUpload({ ...save, nowMs: startMs + 4 * hourMs });
      deepEqual(await expire(store, startMs + 4 * hourMs), []);
      deepEqual(await expire(store, startMs + 4 * hourMs + 1), [keyOf(1)]);
    },
  },
];

const keyCases: readonly StoreCase[] = [
  {
    name: 'keys that a session or a blob names are known, and no others',
    async run(store) {
      const repositoryId = await openSession(store, 'acme/web', 1);
      await publish(store, { name: 'acme/web', session: 2, content: 2 });
      await publish(store, { name: 'acme/web', session: 3, content: 2 });
      await publish(store, { name: 'acme/web', session: 4, content: 4, small: true });
      await openSession(store, 'acme/web', 5);
      await store.cancelUpload({ repositoryId, session: sessionOf(5) });
      await openSession(store, pushTo('acme/web', { nowMs: startMs - 2 }), 6);
      await expire(store, startMs - 1);
      const known = await store.findKnownKeys([1, 2, 3, 4, 5, 6, 7].map(keyOf));
      deepEqual(sorted([...known]), [keyOf(1), keyOf(2)]);
    },
  },
  {
    name: 'only keys that were asked for are told, also when none was',
    async run(store) {
      await openSession(store, 'acme/web', 1);
      await openSession(store, 'acme/web', 2);
      deepEqual([...(await store.findKnownKeys([keyOf(2)]))], [keyOf(2)]);
      deepEqual([...(await store.findKnownKeys([]))], []);
    },
  },
  {
    name: 'thousands of keys can be asked for at once',
    async run(store) {
      await openSession(store, 'acme/web', 4000);
      const bytes = bytesOf(1);
      await store.putSmallBlob({ ...pushTo('acme/web'), digest: digestOfNumber(1), bytes, leaseUntilMs: startMs });
      const keys = Array.from({ length: 5000 }, (_, n) => keyOf(n));
      deepEqual([...(await store.findKnownKeys(keys))], [keyOf(4000)]);
    },
  },
];

/** Upload sessions and their keys. */
export const uploadCases: readonly StoreCase[] = [...sessionCases, ...expiryCases, ...keyCases];
