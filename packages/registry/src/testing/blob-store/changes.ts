import { equal, ok } from 'node:assert/strict';
import {
  append,
  blobIs,
  content,
  keyOf,
  listedKeys,
  MiB,
  never,
  noBlob,
  push,
  refused,
  type StoreCase,
  stalling,
  untouchable,
  uploadIs,
} from './builders.ts';

const key = keyOf(1);
const other = keyOf(2);

/** What becomes of an upload: cut, published, removed. */
export const changeCases: readonly StoreCase[] = [
  {
    name: 'truncate cuts the upload, which then goes on from there',
    async run(store) {
      const bytes = content(2 * MiB);
      await append(store, key, bytes);
      await store.truncate(key, bytes.length);
      await uploadIs(store, key, bytes);
      await store.truncate(key, MiB + 1);
      await uploadIs(store, key, bytes.subarray(0, MiB + 1));
      await append(store, key, bytes.subarray(MiB + 1));
      await uploadIs(store, key, bytes);
      await store.truncate(key, 0);
      await uploadIs(store, key, content(0));
    },
  },
  {
    name: 'truncate to more than there is is an offset-mismatch and changes nothing',
    async run(store) {
      await store.truncate(key, 0);
      await refused(store.truncate(key, 1), 'offset-mismatch');
      await append(store, key, content(10));
      await refused(store.truncate(key, 11), 'offset-mismatch');
      await uploadIs(store, key, content(10));
    },
  },
  {
    name: 'publish makes the upload a blob',
    async run(store) {
      await push(store, key, content(2 * MiB + 1));
      await blobIs(store, key, content(2 * MiB + 1));
      ok((await listedKeys(store)).length === 1);
    },
  },
  {
    name: 'a published blob counts as its upload where the session goes on, and can be grown, cut and published again',
    async run(store) {
      const bytes = content(2 * MiB + 1);
      await push(store, key, bytes.subarray(0, MiB));
      await uploadIs(store, key, bytes.subarray(0, MiB));
      await refused(store.append(key, untouchable, { offsetBytes: 0, signal: never }), 'offset-mismatch');
      await append(store, key, bytes.subarray(MiB));
      await uploadIs(store, key, bytes);
      await store.publish(key);
      await blobIs(store, key, bytes);
      await store.truncate(key, 5);
      await uploadIs(store, key, bytes.subarray(0, 5));
      await store.publish(key);
      await blobIs(store, key, bytes.subarray(0, 5));
    },
  },
  {
    name: 'publish of an upload that never had bytes, or none any more, makes an empty blob',
    async run(store) {
      await store.publish(key);
      await blobIs(store, key, content(0));
      await append(store, other, content(10));
      await store.truncate(other, 0);
      await store.publish(other);
      await blobIs(store, other, content(0));
      equal((await listedKeys(store)).length, 2);
    },
  },
  {
    name: 'publish of what is a blob already succeeds and leaves it as it is',
    async run(store) {
      await push(store, key, content(10));
      await store.publish(key);
      await blobIs(store, key, content(10));
    },
  },
  {
    name: 'remove takes the upload, the blob or both, and again is success',
    async run(store) {
      await store.remove(key);
      await append(store, key, content(10));
      await store.remove(key);
      await uploadIs(store, key, content(0));
      await push(store, key, content(10));
      await append(store, key, content(10));
      await store.remove(key);
      await store.remove(key);
      await uploadIs(store, key, content(0));
      await noBlob(store, key);
      equal((await listedKeys(store)).length, 0);
    },
  },
  {
    name: 'remove leaves other keys alone, and its own can be used again',
    async run(store) {
      await push(store, other, content(10, 2));
      await push(store, key, content(10));
      await store.remove(key);
      await blobIs(store, other, content(10, 2));
      await push(store, key, content(20));
      await blobIs(store, key, content(20));
    },
  },
  {
    name: 'remove during an append takes the upload for good',
    async run(store) {
      const { body, owing, release } = stalling(content(10));
      const appending = store.append(key, body, { offsetBytes: 0, signal: never });
      await owing;
      await store.remove(key);
      release();
      await appending;
      await uploadIs(store, key, content(0));
      ok(!(await listedKeys(store)).includes(key));
    },
  },
];
