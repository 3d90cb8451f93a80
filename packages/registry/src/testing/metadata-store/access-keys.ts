import { deepEqual, equal } from 'node:assert/strict';
import type { KeyRecord } from '../../storage/access-records.ts';
import type { MetadataStore } from '../../storage/metadata-store.ts';
import { hourMs, type StoreCase, startMs } from './builders.ts';

const key = (id: string, createdMs: number = startMs): KeyRecord => ({
  id,
  privateJwk: JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: `public ${id}`, d: `private ${id}` }),
  createdMs,
});

const idsOf = async (store: MetadataStore): Promise<readonly string[]> => (await store.listKeys()).map(({ id }) => id);

/** Keys that sign tokens. */
export const accessKeyCases: readonly StoreCase[] = [
  {
    name: 'the first key is added where there is none, and is read as it was added',
    async run(store) {
      deepEqual(await store.listKeys(), []);
      deepEqual(await store.addKey({ key: key('one'), isFirst: true }), key('one'));
      deepEqual(await store.listKeys(), [key('one')]);
    },
  },
  {
    name: 'a key that wants to be the first is not added where there are others: the newest of them is returned',
    async run(store) {
      await store.addKey({ key: key('one'), isFirst: true });
      await store.addKey({ key: key('two'), isFirst: false });
      deepEqual(await store.addKey({ key: key('three'), isFirst: true }), key('two'));
      deepEqual(await idsOf(store), ['two', 'one']);
    },
  },
  {
    name: 'of keys that want to be the first at once one is added, and all callers get it',
    async run(store) {
      const ids = ['one', 'two', 'three', 'four'];
      const returned = await Promise.all(ids.map((id) => store.addKey({ key: key(id), isFirst: true })));
      const keys = await store.listKeys();
      equal(keys.length, 1);
      for (const added of returned) deepEqual(added, keys[0]);
    },
  },
  {
    name: 'a key that need not be the first is added and is the newest, also when the clock went back',
    async run(store) {
      await store.addKey({ key: key('b', startMs), isFirst: true });
      for (const added of [key('c', startMs), key('a', startMs - hourMs)]) {
        deepEqual(await store.addKey({ key: added, isFirst: false }), added);
      }
      deepEqual(await idsOf(store), ['a', 'c', 'b']);
      deepEqual(await store.addKey({ key: key('d'), isFirst: true }), key('a', startMs - hourMs));
    },
  },
  {
    name: 'a key that is removed is gone at once, and the one before is the newest',
    async run(store) {
      for (const id of ['one', 'two', 'three']) await store.addKey({ key: key(id), isFirst: false });
      equal(await store.removeKey({ id: 'three' }), true);
      equal(await store.removeKey({ id: 'one' }), true);
      deepEqual(await store.listKeys(), [key('two')]);
      equal(await store.removeKey({ id: 'one' }), false);
      deepEqual(await store.addKey({ key: key('four'), isFirst: true }), key('two'));
    },
  },
  {
    name: 'a key is the first again when all others are removed',
    async run(store) {
      await store.addKey({ key: key('one'), isFirst: true });
      await store.removeKey({ id: 'one' });
      deepEqual(await store.addKey({ key: key('two'), isFirst: true }), key('two'));
    },
  },
];
