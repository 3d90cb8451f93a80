import { equal } from 'node:assert/strict';
import { all, append, collect, content, keyOf, never, push, refused, type StoreCase, stalling } from './builders.ts';

const key = keyOf(1);

/** How a store opens and ends. */
export const lifecycleCases: readonly StoreCase[] = [
  {
    name: 'checkSpace lets uploads begin where nothing is to be kept free, and is unavailable after close',
    async run(store) {
      equal(await store.checkSpace(), undefined);
      await store.close();
      await refused(store.checkSpace(), 'unavailable');
    },
  },
  {
    name: 'ready may be asked for many times, and at once',
    async run(store) {
      await Promise.all([store.ready(), store.ready()]);
      await push(store, key, content(10));
      await store.ready();
    },
  },
  {
    name: 'calls before ready wait for it by themselves',
    async run(store) {
      await Promise.all([
        store.uploadSize(key),
        append(store, key, content(10)),
        store.remove(keyOf(2)),
        store.ready(),
      ]);
      equal(await store.uploadSize(key), 10);
    },
  },
  {
    name: 'close lets the calls under way finish, and refuses later ones as unavailable',
    async run(store) {
      const { body, owing, release } = stalling(content(10));
      const appending = store.append(key, body, { offsetBytes: 0, signal: never });
      await owing;
      const order: string[] = [];
      const closing = store.close().then(() => order.push('closed'));
      await refused(store.ready(), 'unavailable');
      await refused(append(store, key, content(1)), 'unavailable');
      await refused(store.uploadSize(key), 'unavailable');
      await refused(store.truncate(key, 0), 'unavailable');
      await refused(store.publish(key), 'unavailable');
      await refused(store.remove(key), 'unavailable');
      await refused(collect(store.readUpload(key, never)), 'unavailable');
      await refused(all(store.list(never)), 'unavailable');
      order.push('released');
      release();
      equal(await appending, 10);
      await closing;
      equal(order.join(), 'released,closed');
      await store.close();
    },
  },
];
