import type { BlobStore, StorageKey } from '../storage/blob-store.ts';
import type { ExpiredContent, MetadataStore } from '../storage/metadata-store.ts';

/** What a sweep needs; times in ms. */
export interface SweepNeeds {
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly uploadTtlMs: number;
  /** How long a blob that lost its last mention stays, in ms. */
  readonly contentLeaseMs: number;
  /** Names this process among those that could do the work. */
  readonly holder: string;
  now(): number;
  /** Hears of tags whose time had come, and of what went with them. */
  onExpired(content: ExpiredContent): void;
}

/** What a sweep removed. */
export interface SweepResult {
  readonly expiredUploads: number;
  /** Tokens of clients that logged in long ago. */
  readonly expiredTokens: number;
  readonly leftovers: number;
  /** Tags whose time had come. */
  readonly expiredTags: number;
}

/** Youngest age at which bytes that nothing names are taken, in ms: a session's row is written before its first byte, but a clock may jump. */
const leftoverAgeMs = 24 * 60 * 60 * 1000;

/** How long a sweep may take before another process may take over, in ms; renewed with each batch. */
const leaseMs = 60_000;

const batchSize = 256;

/** One pass: ends sessions that nobody used for their time and tags whose time has come, and removes bytes that neither a session nor a blob names. Of several processes one does it; the others return
 *  at once with zeros. Safe beside any push: keys are never used twice. */
export async function sweep(needs: SweepNeeds, signal: AbortSignal): Promise<SweepResult> {
  const renew = () => {
    const nowMs = needs.now();
    return needs.metadata.acquireLease({ name: 'sweep', holder: needs.holder, nowMs, untilMs: nowMs + leaseMs });
  };
  if (!(await renew())) return { expiredUploads: 0, expiredTokens: 0, leftovers: 0, expiredTags: 0 };
  try {
    const expiredUploads = await expireUploads(needs, signal);
    const expiredTokens = await expireTokens(needs, signal);
    const expiredTags = await expireTags(needs, signal);
    const leftovers = await removeLeftovers(needs, { signal, renew });
    return { expiredUploads, expiredTokens, leftovers, expiredTags };
  } finally {
    await needs.metadata.releaseLease({ name: 'sweep', holder: needs.holder });
  }
}

async function expireUploads({ metadata, blobs, uploadTtlMs, now }: SweepNeeds, signal: AbortSignal): Promise<number> {
  let count = 0;
  for (;;) {
    signal.throwIfAborted();
    const nowMs = now();
    const keys = await metadata.expireUploads({ usedBeforeMs: nowMs - uploadTtlMs, nowMs, limit: batchSize });
    for (const key of keys) await blobs.remove(key);
    count += keys.length;
    if (keys.length < batchSize) return count;
  }
}

async function expireTokens({ metadata, now }: SweepNeeds, signal: AbortSignal): Promise<number> {
  let count = 0;
  for (;;) {
    signal.throwIfAborted();
    const removed = await metadata.expireAccessTokens({ expiredBeforeMs: now(), limit: batchSize });
    count += removed;
    if (removed < batchSize) return count;
  }
}

async function expireTags(
  { metadata, contentLeaseMs, now, onExpired }: SweepNeeds,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (;;) {
    signal.throwIfAborted();
    const nowMs = now();
    const expired = await metadata.expireTags({ nowMs, limit: batchSize, leaseUntilMs: nowMs + contentLeaseMs });
    onExpired(expired);
    count += expired.tags.length;
    if (expired.tags.length < batchSize) return count;
  }
}

async function removeLeftovers(
  needs: SweepNeeds,
  { signal, renew }: { signal: AbortSignal; renew(): Promise<boolean> },
): Promise<number> {
  const { metadata, blobs, now } = needs;
  let count = 0;
  let old: StorageKey[] = [];
  async function removeUnknown(): Promise<void> {
    const known = await metadata.findKnownKeys(old);
    const unknown = old.filter((key) => !known.has(key));
    for (const key of unknown) await blobs.remove(key);
    count += unknown.length;
    old = [];
  }
  for await (const { key, modifiedMs } of blobs.list(signal)) {
    if (modifiedMs < now() - leftoverAgeMs) old.push(key);
    if (old.length < batchSize) continue;
    if (!(await renew())) return count;
    await removeUnknown();
  }
  await removeUnknown();
  return count;
}
