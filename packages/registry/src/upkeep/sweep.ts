import type { BlobStore, StorageKey } from '../storage/blob-store.ts';
import type { MetadataStore } from '../storage/metadata-store.ts';

/** What a sweep needs; times in ms. */
export interface SweepNeeds {
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly uploadTtlMs: number;
  /** Names this process among those that could do the work. */
  readonly holder: string;
  now(): number;
}

/** What a sweep removed. */
export interface SweepResult {
  readonly expiredUploads: number;
  /** Tokens of clients that logged in long ago. */
  readonly expiredTokens: number;
  readonly leftovers: number;
}

/** Youngest age at which bytes that nothing names are taken, in ms: a session's row is written before its first byte, but a clock may jump. */
const leftoverAgeMs = 24 * 60 * 60 * 1000;

/** How long a sweep may take before another process may take over, in ms; renewed with each batch. */
const leaseMs = 60_000;

const batchSize = 256;

/** One pass: ends sessions that nobody used for their time, and removes bytes that neither a session nor a blob names. Of several processes one does it; the others return
 *  at once with zeros. Safe beside any push: keys are never used twice. */
export async function sweep(needs: SweepNeeds, signal: AbortSignal): Promise<SweepResult> {
  const renew = () => {
    const nowMs = needs.now();
    return needs.metadata.acquireLease({ name: 'sweep', holder: needs.holder, nowMs, untilMs: nowMs + leaseMs });
  };
  if (!(await renew())) return { expiredUploads: 0, expiredTokens: 0, leftovers: 0 };
  try {
    const expiredUploads = await expireUploads(needs, signal);
    const expiredTokens = await expireTokens(needs, signal);
    return { expiredUploads, expiredTokens, leftovers: await removeLeftovers(needs, { signal, renew }) };
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
