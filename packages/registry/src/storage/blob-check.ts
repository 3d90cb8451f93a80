import type { Bytes, StorageKey } from './blob-store.ts';

/** Bytes that lie in a blob store, of an upload or a blob. */
export interface StoredFile {
  readonly key: StorageKey;
  /** Time of the last write, in ms since 1970. */
  readonly modifiedMs: number;
  readonly sizeBytes: number;
}

/** The blobs as a check reads them, beside a running registry if need be: nothing is made, flushed or changed. */
export interface BlobCheck {
  /** Size of the published blob in bytes; undefined when there is none. */
  size(key: StorageKey): Promise<number | undefined>;
  /** The bytes of a published blob. `not-found` when there are none; `unavailable` when the disk cannot read them. */
  read(key: StorageKey, signal: AbortSignal): Bytes;
  /** Everything that lies there, in no order. `unavailable` when the place itself is not there. */
  list(signal: AbortSignal): AsyncIterable<StoredFile>;
}
