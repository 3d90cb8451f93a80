import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { parseNamePattern } from '../../access/scope.ts';
import type { AccessTokenRecord } from '../../storage/access-records.ts';
import { isStorageError } from '../../storage/error.ts';
import type { MetadataStore } from '../../storage/metadata-store.ts';
import { dayMs, present, type StoreCase, startMs } from './builders.ts';
import { conflict, done, oneOf } from './conflict.ts';

const tokenId = (n: number): string => n.toString(16).padStart(32, '0');

/** The n-th token: alice's own, for a day, that reaches as far as she does. */
const token = (n: number, more: Partial<AccessTokenRecord> = {}): AccessTokenRecord => ({
  id: tokenId(n),
  kind: 'user',
  identity: 'alice',
  secretHash: Uint8Array.from({ length: 32 }, (_, index) => (n + index) % 256),
  pattern: undefined,
  actions: ['pull', 'push', 'delete'],
  createdMs: startMs + n,
  expiresMs: startMs + n + dayMs,
  ...more,
});

const robot = (n: number, more: Partial<AccessTokenRecord> = {}): AccessTokenRecord =>
  token(n, { kind: 'robot', identity: 'robot+ci', pattern: parseNamePattern('acme/*'), actions: ['pull'], ...more });

const idsOf = async (store: MetadataStore, kind: AccessTokenRecord['kind']): Promise<readonly string[]> =>
  (await store.listAccessTokens(kind)).map(({ id }) => id);

const inUse = (error: unknown): boolean => isStorageError(error, 'in-use');

const readCases: readonly StoreCase[] = [
  {
    name: 'offline tokens that ended are removed, the oldest first and at most as many as asked; others stay',
    async run(store) {
      const offline = (n: number, expiresMs: number) => token(n, { kind: 'offline', expiresMs });
      for (const n of [1, 2, 3]) await store.addAccessToken(offline(n, startMs + n));
      await store.addAccessToken(offline(4, startMs + dayMs));
      await store.addAccessToken(token(5, { expiresMs: startMs }));
      await store.addAccessToken(robot(6, { expiresMs: startMs }));
      equal(await store.expireAccessTokens({ expiredBeforeMs: startMs + 3, limit: 1 }), 1);
      deepEqual(await idsOf(store, 'offline'), [4, 3, 2].map(tokenId));
      equal(await store.expireAccessTokens({ expiredBeforeMs: startMs + 3, limit: 10 }), 1);
      deepEqual(await idsOf(store, 'offline'), [4, 3].map(tokenId));
      deepEqual([await idsOf(store, 'user'), await idsOf(store, 'robot')], [[tokenId(5)], [tokenId(6)]]);
    },
  },
  {
    name: 'an access token is found by its id as it was added, by no other',
    async run(store) {
      const tokens = [token(1), robot(2), token(3, { kind: 'offline', actions: [], pattern: parseNamePattern('a/b') })];
      for (const added of tokens) await store.addAccessToken(added);
      for (const added of tokens) {
        const found = present(await store.findAccessToken(added.id), added.id);
        deepEqual({ ...found, secretHash: [...found.secretHash] }, { ...added, secretHash: [...added.secretHash] });
        ok(found.secretHash instanceof Uint8Array);
      }
      for (const id of [tokenId(4), tokenId(1).toUpperCase().slice(1), '', tokenId(1).slice(0, 31)]) {
        equal(await store.findAccessToken(id), undefined);
      }
    },
  },
  {
    name: 'access tokens are listed by their kind, the newest first, expired ones too',
    async run(store) {
      for (const n of [3, 1, 2]) await store.addAccessToken(token(n, { expiresMs: startMs + (n === 2 ? -dayMs : n) }));
      await store.addAccessToken(robot(4));
      await store.addAccessToken(token(5, { kind: 'offline' }));
      deepEqual(await idsOf(store, 'user'), [3, 2, 1].map(tokenId));
      deepEqual(await idsOf(store, 'robot'), [tokenId(4)]);
      deepEqual(await idsOf(store, 'offline'), [tokenId(5)]);
      const [listed] = await store.listAccessTokens('robot');
      deepEqual(listed, await store.findAccessToken(tokenId(4)));
    },
  },
  {
    name: 'there are no access tokens in an empty store',
    async run(store) {
      for (const kind of ['user', 'robot', 'offline'] as const) deepEqual(await store.listAccessTokens(kind), []);
      equal(await store.findAccessToken(tokenId(1)), undefined);
    },
  },
];

const addCases: readonly StoreCase[] = [
  {
    name: 'the name of a robot is in use while there is one, an expired one too, which stays as it was',
    async run(store) {
      await store.addAccessToken(robot(1, { expiresMs: startMs }));
      const before = await store.findAccessToken(tokenId(1));
      await rejects(() => store.addAccessToken(robot(2, { actions: ['push'] })), inUse);
      deepEqual(await idsOf(store, 'robot'), [tokenId(1)]);
      deepEqual(await store.findAccessToken(tokenId(1)), before);
      equal(await store.findAccessToken(tokenId(2)), undefined);
      await store.addAccessToken(robot(3, { identity: 'robot+cd' }));
    },
  },
  {
    name: 'the name of a robot is free again when the robot is removed',
    async run(store) {
      await store.addAccessToken(robot(1));
      await store.removeAccessToken({ id: tokenId(1) });
      await store.addAccessToken(robot(2));
      await store.removeAccessTokensOf({ identity: 'robot+ci' });
      await store.addAccessToken(robot(3));
      deepEqual(await idsOf(store, 'robot'), [tokenId(3)]);
    },
  },
  {
    name: 'an identity has as many tokens as it likes, and tokens of other kinds do not take the name of a robot',
    async run(store) {
      await store.addAccessToken(token(1));
      await store.addAccessToken(token(2));
      await store.addAccessToken(token(3, { kind: 'offline', identity: 'robot+ci' }));
      await store.addAccessToken(token(4, { kind: 'offline', identity: 'robot+ci' }));
      await store.addAccessToken(robot(5));
      await store.addAccessToken(token(6, { kind: 'offline', identity: 'robot+ci' }));
      deepEqual(await idsOf(store, 'user'), [2, 1].map(tokenId));
      deepEqual(await idsOf(store, 'offline'), [6, 4, 3].map(tokenId));
    },
  },
  conflict('two robots of one name that are added at once: one is', async (store, { n }) => {
    const [one, two] = [2 * n, 2 * n + 1].map((id) => robot(id, { identity: `robot+${n}` })) as [
      AccessTokenRecord,
      AccessTokenRecord,
    ];
    return {
      first: () => store.addAccessToken(one),
      second: () => store.addAccessToken(two),
      async holds(first, second) {
        oneOf(first, second, ['in-use']);
        equal((await store.findAccessToken(one.id)) !== undefined, done(first));
        equal((await store.findAccessToken(two.id)) !== undefined, done(second));
      },
    };
  }),
];

const removeCases: readonly StoreCase[] = [
  {
    name: 'an access token that is removed is gone at once, and no other goes with it',
    async run(store) {
      await store.addAccessToken(token(1));
      await store.addAccessToken(token(2));
      equal(await store.removeAccessToken({ id: tokenId(1) }), true);
      equal(await store.findAccessToken(tokenId(1)), undefined);
      deepEqual(await idsOf(store, 'user'), [tokenId(2)]);
      equal(await store.removeAccessToken({ id: tokenId(1) }), false);
    },
  },
  {
    name: 'every token of an identity goes at once, of whatever kind, and those of others stay',
    async run(store) {
      await store.addAccessToken(token(1));
      await store.addAccessToken(token(2, { expiresMs: startMs }));
      await store.addAccessToken(token(3, { kind: 'offline' }));
      await store.addAccessToken(token(4, { identity: 'Alice' }));
      await store.addAccessToken(robot(5));
      equal(await store.removeAccessTokensOf({ identity: 'alice' }), 3);
      for (const n of [1, 2, 3]) equal(await store.findAccessToken(tokenId(n)), undefined);
      deepEqual([await idsOf(store, 'user'), await idsOf(store, 'robot')], [[tokenId(4)], [tokenId(5)]]);
      equal(await store.removeAccessTokensOf({ identity: 'alice' }), 0);
      equal(await store.removeAccessTokensOf({ identity: 'robot+ci' }), 1);
    },
  },
];

/** Secrets that stand for somebody. */
export const accessTokenCases: readonly StoreCase[] = [...readCases, ...addCases, ...removeCases];
