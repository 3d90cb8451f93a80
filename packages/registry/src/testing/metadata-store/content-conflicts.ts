import { deepEqual, equal } from 'node:assert/strict';
import {
  dayMs,
  digestOfNumber,
  idOf,
  keyOf,
  leaseSession,
  makeRepository,
  manifestDigest,
  manifestPush,
  openSession,
  publishLeased,
  pushTo,
  putSmall,
  type StoreCase,
  sessionOf,
  startMs,
  toBlob,
} from './builders.ts';
import { blob, conflict, done, oneOf, tagged } from './conflict.ts';

/** Content that comes and goes at once. */
export const contentConflictCases: readonly StoreCase[] = [
  conflict('a blob that goes while a manifest that names it comes: one of the two is refused', async (store, round) => {
    const id = await putSmall(store, round.name, round.n);
    const edges = [toBlob(digestOfNumber(round.n))];
    return {
      first: () => store.deleteBlob({ repositoryId: id, digest: digestOfNumber(round.n) }),
      second: () => store.putManifest(manifestPush(round.name, round.n, { manifest: { edges }, tags: ['v1'] })),
      async holds(deletion, push) {
        oneOf(deletion, push, ['in-use', 'missing-content']);
        equal((await blob(store, id, round.n)) !== undefined, done(push));
        equal(await tagged(store, id, 'v1'), done(push) ? manifestDigest(round.n) : undefined);
      },
    };
  }),
  conflict(
    'a blob that goes while it is mounted elsewhere: the mount tells whether it came in time',
    async (store, round) => {
      const source = await putSmall(store, `${round.name}/source`, round.n);
      const id = await makeRepository(store, round.name);
      const mounted = { fromRepositoryId: source, digest: digestOfNumber(round.n), leaseUntilMs: startMs + dayMs };
      return {
        first: () => store.deleteBlob({ repositoryId: source, digest: digestOfNumber(round.n) }),
        second: () => store.mountBlob({ ...pushTo(round.name), ...mounted }),
        async holds(deletion, mount) {
          deepEqual(deletion, { value: true });
          equal(await blob(store, source, round.n), undefined);
          deepEqual(mount, { value: (await blob(store, id, round.n)) !== undefined });
        },
      };
    },
  ),
  conflict('a blob that goes while the same content is pushed: it is whole, or gone', async (store, round) => {
    const id = await putSmall(store, round.name, round.n);
    return {
      first: () => store.deleteBlob({ repositoryId: id, digest: digestOfNumber(round.n) }),
      second: () => putSmall(store, round.name, round.n),
      async holds(deletion, push) {
        deepEqual([deletion, push], [{ value: true }, { value: id }]);
        const holders = await store.findRepositoriesWithBlob(digestOfNumber(round.n), 10);
        equal(holders.length, (await blob(store, id, round.n)) === undefined ? 0 : 1);
      },
    };
  }),
  conflict(
    'the same content published by two sessions at once: one blob, and one key that is not needed',
    async (store, round) => {
      const [one, two] = [round.n * 2, round.n * 2 + 1];
      const ids = [
        await openSession(store, round.name, one),
        await openSession(store, `${round.name}/other`, two),
      ] as const;
      const held = [
        { repositoryId: ids[0], session: one, content: round.n, epoch: (await leaseSession(store, ids[0], one)).epoch },
        { repositoryId: ids[1], session: two, content: round.n, epoch: (await leaseSession(store, ids[1], two)).epoch },
      ] as const;
      return {
        first: () => publishLeased(store, held[0]),
        second: () => publishLeased(store, held[1]),
        async holds(first, second) {
          const unneeded = [first, second].map((ending) => 'value' in ending && Object(ending.value).unneededKey);
          const kept = keyOf(unneeded[0] === undefined ? one : two);
          const rest = keyOf(unneeded[0] === undefined ? two : one);
          deepEqual(unneeded.toSorted(), [rest, undefined]);
          deepEqual((await blob(store, ids[0], round.n))?.content, { key: kept });
          deepEqual((await blob(store, ids[1], round.n))?.content, { key: kept });
          deepEqual([...(await store.findKnownKeys([keyOf(one), keyOf(two)]))], [kept]);
        },
      };
    },
  ),
  conflict(
    'a repository made by two identities at once belongs to one, and the other is refused',
    async (store, round) => {
      return {
        first: () => openSession(store, pushTo(round.name, { by: 'alice' }), round.n * 2),
        second: () => openSession(store, pushTo(round.name, { by: 'bob' }), round.n * 2 + 1),
        async holds(alice, bob) {
          oneOf(alice, bob, ['repository-changed']);
          const id = await idOf(store, round.name);
          equal((await store.findUpload(id, sessionOf(round.n * 2))) !== undefined, done(alice));
          equal((await store.findUpload(id, sessionOf(round.n * 2 + 1))) !== undefined, done(bob));
        },
      };
    },
  ),
];
