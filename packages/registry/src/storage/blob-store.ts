declare const keyBrand: unique symbol;
/** Names the bytes of one upload, and of the blob that it becomes: opaque, unique to the upload, 32 characters of 0-9 and a-f.
 *  Nothing is derived from a digest, so removing an old key never hurts a new push of the same content. */
export type StorageKey = string & { readonly [keyBrand]: true };

/** A body as it arrives. It is consumed once. A chunk is its source's again when the next one is asked for: who keeps bytes longer copies them.
 *  Streams that a store gives do not use a chunk's memory again. */
export type Bytes = AsyncIterable<Uint8Array>;

/** A part of a file, which an adapter may send in the fastest way that its host has. Bytes are counted from 0. */
export interface FileRange {
  readonly path: string;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** Bytes of a published blob: a part of a file where the driver has files, else a stream. */
export type BlobContent =
  | { readonly kind: 'file'; readonly file: FileRange }
  | { readonly kind: 'stream'; readonly stream: Bytes };

/** Where bytes lie: of uploads that still grow, and of published blobs. A key is first an upload and then, once, a blob.
 *
 *  What a blob is called, who may read it and whether it is whole is not known here: metadata decides. Every driver passes
 *  `blobStoreContract`. */
export interface BlobStore {
  /** Opens what the driver needs, once; every other call waits for it. Refuses a host that cannot keep the promises below, and may be asked
   *  again when the host was put right. */
  ready(): Promise<void>;
  /** Ends what the driver holds open. Calls under way finish first, later ones are `unavailable`; a stream under way is its reader's to end. */
  close(): Promise<void>;

  /** `below-reserve` where so little space is left that uploads are refused: asked before one begins, when its client can still be told. */
  checkSpace(): Promise<void>;
  /** Appends to the upload at `offsetBytes`, which must be its current size (0 begins it), else `offset-mismatch`, before `body` is asked for anything.
   *  Keeps what arrived when `body` fails or `signal` aborts, and rethrows. Returns the new size in bytes. Not flushed: a power cut may lose it until
   *  `publish`. `busy` while another `append`, `truncate` or `publish` of the key is under way in this process; between processes, the lease of the
   *  upload's session keeps them apart. `no-space` and `below-reserve` keep what
   *  found room. */
  append(
    key: StorageKey,
    body: Bytes,
    at: { readonly offsetBytes: number; readonly signal: AbortSignal },
  ): Promise<number>;
  /** Size of the upload in bytes: 0 when nothing arrived, or when a power cut took it. A blob that was published counts as its upload, here and for the calls around
   *  this one: where its session goes on, the commit that would have ended it failed. */
  uploadSize(key: StorageKey): Promise<number>;
  /** Cuts the upload to `sizeBytes`, which is at most its size, else `offset-mismatch`. `busy` as with `append`. */
  truncate(key: StorageKey, sizeBytes: number): Promise<void>;
  /** The upload's bytes so far, from the start; `not-found` when there are none. */
  readUpload(key: StorageKey, signal: AbortSignal): Bytes;

  /** Makes the upload a blob, in the place of an earlier one under the key. When it returns, bytes and name have survived a power cut. An upload that never
   *  had bytes becomes an empty blob, and asking again for what is a blob already succeeds. `busy` as with `append`. `unavailable` when the host did not
   *  confirm that the bytes last, which are gone then, and from there on for every publish until the process starts anew. */
  publish(key: StorageKey): Promise<void>;
  /** The bytes of a published blob; of `range` where it is given, which lies within the blob. `not-found` at the latest when read. */
  read(key: StorageKey, range: { readonly offsetBytes: number; readonly lengthBytes: number }): BlobContent;

  /** Removes the upload and the blob under `key`. Success when there is none. */
  remove(key: StorageKey): Promise<void>;
  /** Every key, of uploads and blobs, with the time of its last write in ms since 1970. In no order; keys that come or go meanwhile may be missed, and a key
   *  that has both an upload and a blob comes twice. */
  list(signal: AbortSignal): AsyncIterable<{ readonly key: StorageKey; readonly modifiedMs: number }>;
}

/** `text` as a key. Throws a `TypeError`: keys are made here and never come from a client. */
export function parseStorageKey(text: string): StorageKey {
  if (!/^[0-9a-f]{32}$/.test(text)) throw new TypeError('A storage key is 32 characters of 0-9 and a-f.');
  return text as StorageKey;
}
