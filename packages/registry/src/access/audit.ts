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
  let waiting: AuditEntry[] = [];
  let writing: Promise<void> | undefined;

  /** One write at a time: what is recorded meanwhile goes together into the next (bench row put-manifest-32-clients). */
  async function write(): Promise<void> {
    while (waiting.length > 0) {
      const entries = waiting;
      waiting = [];
      await store.appendAudit({ entries }).catch(onError);
    }
    writing = undefined;
  }

  return {
    record(entry) {
      waiting.push({ ...entry, atMs: now() });
      writing ??= write();
    },
    async settled() {
      await writing;
    },
  };
}
