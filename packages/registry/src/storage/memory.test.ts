import { deepEqual } from 'node:assert/strict';
import { describe, it } from 'vitest';
import { all, append, content, keyOf, never } from '../testing/blob-store/builders.ts';
import { blobStoreContract } from '../testing/blob-store.ts';
import { memory } from './memory.ts';

describe('memory keeps the promises of BlobStore', () => {
  for (const { name, run } of blobStoreContract(async () => ({ store: memory(), close: async () => undefined }))) {
    it(name, run);
  }
});

it('the time of the last write is by the clock that was given', async () => {
  let nowMs = 1000;
  const store = memory({ now: () => nowMs });
  await append(store, keyOf(1), content(1));
  nowMs = 2000;
  await append(store, keyOf(1), content(1));
  nowMs = 3000;
  await store.publish(keyOf(1));
  deepEqual(await all(store.list(never)), [{ key: keyOf(1), modifiedMs: 2000 }]);
});
