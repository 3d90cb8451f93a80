import { equal, rejects } from 'node:assert/strict';
import type { BlobStore } from '../../storage/blob-store.ts';
import {
  append,
  blobIs,
  chunked,
  content,
  failing,
  keyOf,
  MiB,
  never,
  push,
  refused,
  reusing,
  type StoreCase,
  stalling,
  untouchable,
  uploadIs,
} from './builders.ts';

const key = keyOf(1);
const gone = new Error('the client went away');

/** How a body arrives, and what is kept of it. */
export const appendCases: readonly StoreCase[] = [
  {
    name: 'append at 0 begins an upload and returns its size',
    async run(store) {
      equal(await append(store, key, content(1000)), 1000);
      await uploadIs(store, key, content(1000));
    },
  },
  {
    name: 'append goes on at the current size and returns the new one',
    async run(store) {
      const bytes = content(3 * MiB + 5);
      equal(await append(store, key, bytes.subarray(0, 7)), 7);
      equal(await append(store, key, bytes.subarray(7, MiB + 1)), MiB + 1);
      equal(await append(store, key, bytes.subarray(MiB + 1)), bytes.length);
      await uploadIs(store, key, bytes);
    },
  },
  ...[1, 64 * 1024, 64 * 1024 + 1, MiB, 3 * MiB].map((chunkBytes) => ({
    name: `append keeps the order of chunks of ${chunkBytes} bytes with empty ones between`,
    async run(store: BlobStore) {
      const bytes = content(chunkBytes === 1 ? 3000 : 4 * MiB + 3);
      equal(await store.append(key, chunked(bytes, chunkBytes), { offsetBytes: 0, signal: never }), bytes.length);
      await uploadIs(store, key, bytes);
    },
  })),
  ...[1000, 700_001, 2 * MiB + 1].map((chunkBytes) => ({
    name: `append leaves a chunk of ${chunkBytes} bytes to its source once the next is asked for`,
    async run(store: BlobStore) {
      const bytes = content(5 * MiB + 3);
      equal(await store.append(key, reusing(bytes, chunkBytes), { offsetBytes: 0, signal: never }), bytes.length);
      await uploadIs(store, key, bytes);
    },
  })),
  {
    name: 'append of an empty body changes nothing',
    async run(store) {
      equal(await append(store, key, content(0)), 0);
      await uploadIs(store, key, content(0));
      await append(store, key, content(10));
      equal(await append(store, key, content(0)), 10);
      await uploadIs(store, key, content(10));
    },
  },
  {
    name: 'append anywhere but at the current size is an offset-mismatch that asks the body for nothing',
    async run(store) {
      const at = (offsetBytes: number) => store.append(key, untouchable, { offsetBytes, signal: never });
      await refused(at(1), 'offset-mismatch');
      await append(store, key, content(10));
      for (const offsetBytes of [0, 9, 11]) await refused(at(offsetBytes), 'offset-mismatch');
      await uploadIs(store, key, content(10));
    },
  },
  ...[0, 1, MiB, 2 * MiB + 17].map((sizeBytes) => ({
    name: `append keeps ${sizeBytes} bytes that arrived when the body fails, rethrows, and goes on from there`,
    async run(store: BlobStore) {
      const bytes = content(4 * MiB);
      const body = failing(bytes.subarray(0, sizeBytes), gone);
      await rejects(store.append(key, body, { offsetBytes: 0, signal: never }), (error) => error === gone);
      await uploadIs(store, key, bytes.subarray(0, sizeBytes));
      equal(await append(store, key, bytes.subarray(sizeBytes)), bytes.length);
      await uploadIs(store, key, bytes);
    },
  })),
  ...[0, 100, 2 * MiB + 17].map((sizeBytes) => ({
    name: `append keeps ${sizeBytes} bytes when the signal aborts while the body owes a chunk, throws the reason, and leaves the body`,
    async run(store: BlobStore) {
      const { body, owing, left } = stalling(content(sizeBytes));
      const { signal, abort } = controller();
      const appending = store.append(key, body, { offsetBytes: 0, signal });
      await owing;
      abort(gone);
      await rejects(appending, (error) => error === gone);
      await left;
      await uploadIs(store, key, content(sizeBytes));
    },
  })),
  {
    name: 'append under a signal that has aborted throws the reason and asks the body for nothing',
    async run(store) {
      const signal = AbortSignal.abort(gone);
      await rejects(store.append(key, untouchable, { offsetBytes: 0, signal }), (error) => error === gone);
      equal(await store.uploadSize(key), 0);
    },
  },
  {
    name: 'append is busy while another is under way, and the first one is not disturbed',
    async run(store) {
      const { body, owing, release } = stalling(content(10));
      const appending = store.append(key, body, { offsetBytes: 0, signal: never });
      await owing;
      const again = (offsetBytes: number) => store.append(key, untouchable, { offsetBytes, signal: never });
      await refused(again(0), 'busy');
      await refused(again(10), 'busy');
      release();
      equal(await appending, 10);
      equal(await append(store, key, content(1)), 11);
    },
  },
  {
    name: 'truncate and publish are busy while an append is under way, and work when it has ended',
    async run(store) {
      const { body, owing, release } = stalling(content(10));
      const appending = store.append(key, body, { offsetBytes: 0, signal: never });
      await owing;
      await refused(store.truncate(key, 0), 'busy');
      await refused(store.publish(key), 'busy');
      release();
      await appending;
      await store.truncate(key, 9);
      await store.publish(key);
      await blobIs(store, key, content(9));
    },
  },
  {
    name: 'uploads of many keys at once do not mix',
    async run(store) {
      const pushes = Array.from({ length: 12 }, (_, n) => ({ key: keyOf(n), bytes: content(MiB + n * 100_003, n) }));
      await Promise.all(pushes.map((one) => push(store, one.key, one.bytes)));
      for (const one of pushes) await blobIs(store, one.key, one.bytes);
    },
  },
];

function controller(): { readonly signal: AbortSignal; abort(reason: Error): void } {
  const made = new AbortController();
  return { signal: made.signal, abort: (reason) => made.abort(reason) };
}
