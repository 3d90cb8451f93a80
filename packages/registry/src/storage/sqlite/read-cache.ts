import { LRUCache } from 'lru-cache';
import type { ReadName } from '../sql/plans.ts';

/** Reads of one thing, which are asked again and again with the same question: what each request asks before it is allowed, and what it is answered with. */
const cachedReads: ReadonlySet<ReadName> = new Set<ReadName>([
  'findRepository',
  'findBlob',
  'findManifest',
  'readManifest',
  'findRoles',
  'findAccessToken',
  'listKeys',
]);

/** What is kept at most, in bytes, as far as it can be known. */
const maximumBytes = 8 * 1024 * 1024;
const maximumEntries = 2_000;
/** What an answer takes beside its bytes; an estimate. */
const entryBytes = 512;

/** Runs a read of the store. */
export type Read = (name: ReadName, input: readonly unknown[]) => unknown;

/** Reads that remember. */
export interface CachedReads {
  readonly read: Read;
  /** A command of this process has ended: the next read looks whether the database has changed. */
  expire(): void;
}

/** Keeps answers of `read` while the database stays as it is (bench rows get-manifest-by-tag, head-blob, get-blob-4k and the same with tokens).
 *
 *  What makes an answer valid: `version` is what it was, which SQLite changes with each commit of any connection in any process (`PRAGMA data_version`). It is asked at the first read of each turn of
 *  the event loop and at the first one after a command of this process. So a change by another process is missed only by requests that were taken up in the turn in which it was made. */
export function cacheReads(read: Read, version: () => unknown): CachedReads {
  const answers = new LRUCache<string, { readonly value: unknown }>({
    max: maximumEntries,
    maxSize: maximumBytes,
    sizeCalculation: ({ value }) => entryBytes + bytesOf(value),
  });
  let known: unknown;
  let isFresh = false;
  const expire = (): void => {
    isFresh = false;
  };

  function refresh(): void {
    isFresh = true;
    setImmediate(expire);
    const current = version();
    if (current === known) return;
    known = current;
    answers.clear();
  }

  return {
    expire,
    read(name, input) {
      if (!cachedReads.has(name)) return read(name, input);
      if (!isFresh) refresh();
      const key = name + JSON.stringify(input);
      const kept = answers.get(key);
      if (kept !== undefined) return kept.value;
      const value = read(name, input);
      answers.set(key, { value });
      return value;
    },
  };
}

/** The bytes of a manifest, or of a blob that lies in the database. */
function bytesOf(value: unknown): number {
  const { bytes, content } = Object(value) as { bytes?: unknown; content?: { bytes?: unknown } };
  const held = bytes ?? content?.bytes;
  return held instanceof Uint8Array ? held.byteLength : 0;
}
