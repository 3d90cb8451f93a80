import { LRUCache } from 'lru-cache';
import type { ReadName } from '../sql/plans.ts';

/** Reads that are asked again and again with the same question: what each request asks before it is allowed, and what it is answered with. */
const cachedReads: ReadonlySet<ReadName> = new Set<ReadName>([
  'findRepository',
  'findBlob',
  'findManifest',
  'readManifest',
  'findRoles',
  'findAccessToken',
  'listKeys',
  'listTags',
]);

/** What is kept at most, in bytes, as far as it can be known. */
const maximumBytes = 8 * 1024 * 1024;
const maximumEntries = 2_000;
/** What an answer takes beside its bytes; an estimate. */
const entryBytes = 512;

/** Runs a read of the store. */
export type Read = (name: ReadName, input: readonly unknown[]) => unknown;

/** How many commits the writer of this process has made, modulo 2³², in memory that its threads share. */
export type CommitCount = Int32Array<SharedArrayBuffer>;

/** Keeps answers of `read` while the database stays as it is (bench rows get-manifest-by-tag, head-blob, get-blob-4k, list-tags and the same with tokens).
 *
 *  What makes an answer valid: `version` is what it was, which SQLite changes with each commit of any connection in any process (`PRAGMA data_version`). It is asked at the first read of each turn of
 *  the event loop, and at the first one after a commit of this process: `commits` counts those, of all its threads, before anybody is answered. So a change by another process is missed only by requests
 *  that were taken up in the turn in which it was made. */
export function cacheReads(read: Read, version: () => unknown, commits: CommitCount): Read {
  const answers = new LRUCache<string, { readonly value: unknown }>({
    max: maximumEntries,
    maxSize: maximumBytes,
    sizeCalculation: ({ value }) => entryBytes + bytesOf(value),
  });
  let known: unknown;
  /** How many commits there were when the version was asked in this turn; undefined: it was not. */
  let askedAt: number | undefined;
  const endTurn = (): void => {
    askedAt = undefined;
  };

  function refresh(): void {
    if (askedAt === undefined) setImmediate(endTurn);
    askedAt = Atomics.load(commits, 0);
    const current = version();
    if (current === known) return;
    known = current;
    answers.clear();
  }

  return (name, input) => {
    if (!cachedReads.has(name)) return read(name, input);
    if (askedAt !== Atomics.load(commits, 0)) refresh();
    const key = name + JSON.stringify(input);
    const kept = answers.get(key);
    if (kept !== undefined) return kept.value;
    const value = read(name, input);
    answers.set(key, { value });
    return value;
  };
}

/** What an answer holds: the bytes of a manifest, or of a blob that lies in the database; texts of a list. */
function bytesOf(value: unknown): number {
  if (Array.isArray(value))
    return value.reduce((sum, item) => sum + (typeof item === 'string' ? item.length : entryBytes), 0);
  const { bytes, content } = Object(value) as { bytes?: unknown; content?: { bytes?: unknown } };
  const held = bytes ?? content?.bytes;
  return held instanceof Uint8Array ? held.byteLength : 0;
}
