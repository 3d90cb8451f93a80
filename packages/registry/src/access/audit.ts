import type { AccessStore, AuditEntry } from '../storage/access-records.ts';

/** What is remembered of who did what. */
export interface Audit {
  /** Writes a line, without making anybody wait for it; one that cannot be written is told to `onError`. */
  record(entry: Omit<AuditEntry, 'atMs'>): void;
  /** Resolves when every line is written. */
  settled(): Promise<void>;
}

export function createAudit(
  store: AccessStore,
  { now, onError }: { now(): number; onError(error: unknown): void },
): Audit {
  const underWay = new Set<Promise<void>>();
  return {
    record(entry) {
      const writing = store
        .appendAudit({ entries: [{ ...entry, atMs: now() }] })
        .catch(onError)
        .finally(() => underWay.delete(writing));
      underWay.add(writing);
    },
    async settled() {
      await Promise.all(underWay);
    },
  };
}
