import { equal, fail, rejects } from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { type BlobStore, type Bytes, parseStorageKey, type StorageKey } from '../../storage/blob-store.ts';
import { isStorageError, type StorageErrorCode } from '../../storage/error.ts';
import type { StoreCase as ContractStoreCase } from '../contract.ts';

/** A promise of the store and its proof on an empty one. */
export type StoreCase = ContractStoreCase<BlobStore>;

/** 2^20, in bytes. */
export const MiB: number = 1024 * 1024;
/** A signal that never aborts. */
export const never: AbortSignal = new AbortController().signal;

/** The n-th key: different for different n, and of neighbours that begin differently. */
export const keyOf = (n: number): StorageKey =>
  parseStorageKey(`${(n % 256).toString(16).padStart(2, '0')}${n.toString(16).padStart(30, '0')}`);

/** The n-th content, `sizeBytes` long; a part of it that lies in the wrong place differs. */
export function content(sizeBytes: number, n = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  for (let at = 0; at < words.length; at++) words[at] = Math.imul(at + n * 7919, 2654435761);
  return new Uint8Array(words.buffer, 0, sizeBytes);
}

/** `bytes` in chunks of `chunkBytes`, and an empty chunk before each. */
export async function* chunked(bytes: Uint8Array, chunkBytes: number = 64 * 1024): Bytes {
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    yield new Uint8Array(0);
    yield bytes.subarray(at, at + chunkBytes);
  }
}

/** `bytes` in chunks that all lie in the same memory, which is overwritten when the next chunk is asked for. */
export async function* reusing(bytes: Uint8Array, chunkBytes: number): Bytes {
  const memory = Buffer.alloc(chunkBytes);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const piece = bytes.subarray(at, at + chunkBytes);
    memory.set(piece);
    yield memory.subarray(0, piece.length);
    memory.fill(0xee);
  }
}

/** `bytes`, and then `error`. */
export async function* failing(bytes: Uint8Array, error: Error): Bytes {
  yield* chunked(bytes);
  throw error;
}

/** A body that gives `bytes` and owes its next chunk until it is released; `owing` resolves when that chunk is asked for, `left` when the reader leaves. */
export function stalling(bytes: Uint8Array): {
  readonly body: Bytes;
  readonly owing: Promise<void>;
  readonly left: Promise<void>;
  release(): void;
} {
  const owing = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const source = (async function* () {
    yield* chunked(bytes);
    owing.resolve();
    await released.promise;
  })();
  const body: Bytes = {
    [Symbol.asyncIterator]: () => ({
      next: () => source.next(),
      return: async () => {
        left.resolve();
        return { done: true, value: undefined };
      },
    }),
  };
  return { body, owing: owing.promise, left: left.promise, release: released.resolve };
}

/** A body that must not be asked for anything. */
export const untouchable: Bytes = {
  [Symbol.asyncIterator]: () => {
    throw new Error('the body was asked for');
  },
};

/** Every item of a stream. */
export async function all<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** All bytes of a stream; keeps the chunks themselves until the end, as a slow reader does. */
export async function collect(stream: Bytes): Promise<Uint8Array> {
  return Buffer.concat(await all(stream));
}

/** Bytes of a published blob, as an adapter gets at them. */
export async function readBlob(
  store: BlobStore,
  key: StorageKey,
  range: { readonly offsetBytes: number; readonly lengthBytes: number },
): Promise<Uint8Array> {
  const blob = store.read(key, range);
  if (blob.kind === 'stream') return collect(blob.stream);
  const file = await open(blob.file.path);
  try {
    const bytes = Buffer.alloc(blob.file.lengthBytes);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, blob.file.offsetBytes);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Appends all of `bytes` where the upload ends. */
export async function append(store: BlobStore, key: StorageKey, bytes: Uint8Array): Promise<number> {
  return store.append(key, chunked(bytes), { offsetBytes: await store.uploadSize(key), signal: never });
}

/** Appends `bytes` to a new upload and publishes it. */
export async function push(store: BlobStore, key: StorageKey, bytes: Uint8Array): Promise<void> {
  equal(await append(store, key, bytes), bytes.length);
  await store.publish(key);
}

/** Asserts that the upload holds exactly `bytes`. */
export async function uploadIs(store: BlobStore, key: StorageKey, bytes: Uint8Array): Promise<void> {
  equal(await store.uploadSize(key), bytes.length);
  if (bytes.length === 0) await refused(collect(store.readUpload(key, never)), 'not-found');
  else sameBytes(await collect(store.readUpload(key, never)), bytes);
}

/** Asserts that the blob begins with exactly `bytes`. */
export async function blobIs(store: BlobStore, key: StorageKey, bytes: Uint8Array): Promise<void> {
  sameBytes(await readBlob(store, key, { offsetBytes: 0, lengthBytes: bytes.length }), bytes);
}

/** Asserts that there is no blob to read. */
export async function noBlob(store: BlobStore, key: StorageKey): Promise<void> {
  const isMissing = (error: unknown) =>
    isStorageError(error, 'not-found') || (error instanceof Error && 'code' in error && error.code === 'ENOENT');
  await rejects(readBlob(store, key, { offsetBytes: 0, lengthBytes: 1 }), isMissing);
}

/** Asserts equal bytes, and says where they differ. */
export function sameBytes(actual: Uint8Array, expected: Uint8Array): void {
  equal(actual.length, expected.length);
  if (Buffer.compare(actual, expected) === 0) return;
  fail(`bytes differ from byte ${actual.findIndex((byte, at) => byte !== expected[at])} on`);
}

/** Asserts that `call` is refused with `code`. */
export async function refused(call: Promise<unknown>, code: StorageErrorCode): Promise<void> {
  await rejects(call, (error: unknown) => isStorageError(error, code));
}

/** Keys that the store lists, sorted. */
export async function listedKeys(store: BlobStore): Promise<readonly StorageKey[]> {
  return (await all(store.list(never))).map(({ key }) => key).sort();
}
