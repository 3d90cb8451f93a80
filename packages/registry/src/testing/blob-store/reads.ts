import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import {
  append,
  collect,
  content,
  keyOf,
  listedKeys,
  MiB,
  never,
  noBlob,
  push,
  readBlob,
  refused,
  type StoreCase,
  sameBytes,
  uploadIs,
} from './builders.ts';

const key = keyOf(1);
const stop = new Error('enough');
/** Clocks of a store and of the test may differ by so much, in ms. */
const clockMs = 60_000;

/** What can be read, and of what. */
export const readCases: readonly StoreCase[] = [
  {
    name: 'uploadSize is 0 when nothing arrived, and grows with what does',
    async run(store) {
      equal(await store.uploadSize(key), 0);
      await append(store, key, content(10));
      equal(await store.uploadSize(key), 10);
      await append(store, key, content(5));
      equal(await store.uploadSize(key), 15);
    },
  },
  {
    name: 'readUpload is not-found without bytes',
    async run(store) {
      await refused(collect(store.readUpload(key, never)), 'not-found');
      await append(store, key, content(0));
      await refused(collect(store.readUpload(key, never)), 'not-found');
    },
  },
  {
    name: 'readUpload stops when the signal aborts',
    async run(store) {
      await append(store, key, content(5 * MiB));
      const controller = new AbortController();
      const chunks = store.readUpload(key, controller.signal)[Symbol.asyncIterator]();
      ok(!(await chunks.next()).done);
      controller.abort(stop);
      await rejects(chunks.next(), (error) => error === stop);
    },
  },
  {
    name: 'readUpload may be left early, and the upload goes on',
    async run(store) {
      const bytes = content(5 * MiB);
      await append(store, key, bytes.subarray(0, 4 * MiB));
      for await (const chunk of store.readUpload(key, never)) {
        sameBytes(chunk, bytes.subarray(0, chunk.length));
        break;
      }
      await append(store, key, bytes.subarray(4 * MiB));
      await uploadIs(store, key, bytes);
    },
  },
  {
    name: 'read gives exactly the range, at all edges of a large blob',
    async run(store) {
      const bytes = content(5 * MiB + 13);
      await push(store, key, bytes);
      const edges = [0, 1, 64 * 1024, MiB - 1, MiB, MiB + 1, bytes.length - 1, bytes.length];
      for (const start of edges) {
        for (const end of edges.filter((edge) => edge >= start)) {
          const range = { offsetBytes: start, lengthBytes: end - start };
          sameBytes(await readBlob(store, key, range), bytes.subarray(start, end));
        }
      }
    },
  },
  {
    name: 'read of what is not published is not-found, of an upload too',
    async run(store) {
      await noBlob(store, key);
      await append(store, key, content(10));
      await noBlob(store, key);
    },
  },
  {
    name: 'many reads of one blob at once each get their own range',
    async run(store) {
      const bytes = content(2 * MiB);
      await push(store, key, bytes);
      const starts = Array.from({ length: 64 }, (_, n) => n * 16_411);
      await Promise.all(
        starts.map(async (start) => {
          const read = await readBlob(store, key, { offsetBytes: start, lengthBytes: 100_000 });
          sameBytes(read, bytes.subarray(start, start + 100_000));
        }),
      );
    },
  },
  {
    name: 'list gives every upload and every blob with the time of its last write',
    async run(store) {
      deepEqual(await listedKeys(store), []);
      const beganMs = Date.now();
      const keys = Array.from({ length: 20 }, (_, n) => keyOf(n * 37));
      for (const [n, one] of keys.entries()) {
        if (n % 2 === 0) await push(store, one, content(n));
        else await append(store, one, content(n));
      }
      deepEqual(await listedKeys(store), [...keys].sort());
      for await (const { modifiedMs } of store.list(never)) {
        ok(modifiedMs >= beganMs - clockMs && modifiedMs <= Date.now() + clockMs, `modified at ${modifiedMs}`);
      }
    },
  },
  {
    name: 'list stops when the signal aborts',
    async run(store) {
      for (const n of [1, 2, 3]) await push(store, keyOf(n), content(1));
      const controller = new AbortController();
      const keys = store.list(controller.signal)[Symbol.asyncIterator]();
      ok(!(await keys.next()).done);
      controller.abort(stop);
      await rejects(keys.next(), (error) => error === stop);
    },
  },
];
