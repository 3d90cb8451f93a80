import type fc from 'fast-check';
import type { BlobStore, Bytes } from '../../src/storage/blob-store.ts';
import type { MetadataStore } from '../../src/storage/metadata-store.ts';

/** Says when each call of a store begins. */
export type Turn = (call: string) => Promise<void>;

/** A turn that `scheduler` gives. */
export const turnOf =
  (scheduler: fc.Scheduler): Turn =>
  async (call) => {
    await scheduler.schedule(Promise.resolve(), call);
  };

/** `metadata`, each of whose calls waits for its turn. */
export function scheduledMetadata(metadata: MetadataStore, turn: Turn): MetadataStore {
  const wrap = ([name, act]: [string, unknown]) => {
    if (typeof act !== 'function' || name === 'ready' || name === 'close') return [name, act];
    return [
      name,
      async (...given: unknown[]) => {
        await turn(name);
        return act(...given);
      },
    ];
  };
  return Object.fromEntries(Object.entries(metadata).map(wrap));
}

/** `blobs`, each of whose calls, and each of the chunks and keys that they give, waits for its turn. */
export function scheduledBlobs(blobs: BlobStore, turn: Turn): BlobStore {
  async function inTurn<Result>(call: string, act: () => Promise<Result>): Promise<Result> {
    await turn(call);
    return act();
  }
  async function* eachInTurn<Item>(call: string, items: AsyncIterable<Item>): AsyncGenerator<Item> {
    await turn(call);
    for await (const item of items) {
      yield item;
      await turn(call);
    }
  }
  return {
    ...blobs,
    append: (key, body, at) => inTurn('append', () => blobs.append(key, body, at)),
    uploadSize: (key) => inTurn('uploadSize', () => blobs.uploadSize(key)),
    truncate: (key, sizeBytes) => inTurn('truncate', () => blobs.truncate(key, sizeBytes)),
    publish: (key) => inTurn('publish', () => blobs.publish(key)),
    remove: (key) => inTurn('remove', () => blobs.remove(key)),
    readUpload: (key, signal) => eachInTurn('readUpload', blobs.readUpload(key, signal)),
    list: (signal) => eachInTurn('list', blobs.list(signal)),
  };
}

/** `bytes` in two pieces, each in its turn. */
export async function* bodyInTurns(bytes: Uint8Array, turn: Turn): Bytes {
  const middle = Math.floor(bytes.byteLength / 2);
  for (const piece of [bytes.subarray(0, middle), bytes.subarray(middle)]) {
    await turn('body');
    yield piece;
  }
}
