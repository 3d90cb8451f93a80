/** Writers of upload sessions: one at a time.
 *
 *  Invariant: bytes reach the store only from the writer that holds the session's lease. A writer that stalls past its lease finds out before it hands on the bytes that wake it, because
 *  it renews first; and a second writer of the same process is refused until the stalled one is gone. So bytes that come late never lie over those of a successor. */
import type { Permit } from '../access/permit.ts';
import { OciError } from '../oci/error.ts';
import type { SessionId } from '../oci/name.ts';
import type { Bytes } from '../storage/blob-store.ts';
import { isStorageError } from '../storage/error.ts';
import type { MetadataStore, UploadRecord } from '../storage/metadata-store.ts';
import type { Sources } from './settings.ts';

/** One request's hold on a session. */
export interface Hold {
  /** The session as this writer took it. */
  readonly upload: UploadRecord;
  /** Aborts when the request does, or when the hold is lost. */
  readonly signal: AbortSignal;
  /** `body`, with the lease renewed as it flows. */
  renewing(body: Bytes): Bytes;
  /** Renews the lease if it is not young: before what must not happen twice. */
  refresh(): Promise<void>;
  /** Gives the session back to be gone on with. */
  release(): Promise<void>;
}

export interface Holds {
  /** Runs `work` while holding the session; gives it back when `work` fails. `BLOB_UPLOAD_UNKNOWN`; 409 while another writer holds it. */
  hold<Result>(found: FoundUpload, signal: AbortSignal, work: (hold: Hold) => Promise<Result>): Promise<Result>;
  /** 409 while a writer holds the session. */
  refuseHeld(upload: UploadRecord): void;
}

/** A session that was found in the repository of a permit. */
export interface FoundUpload {
  readonly permit: Permit<'push'>;
  readonly repositoryId: number;
  readonly upload: UploadRecord;
}

/** Whether nobody ever held the session: then nothing of it lies in the blob store, and need not be looked for there (bench row push-blob-2k-4-clients). */
export function isUntouched({ epoch }: UploadRecord): boolean {
  return epoch === 0;
}

/** A writer of this process. */
interface Writer {
  readonly stop: AbortController;
  /** Aborts when the request does, or with `stop`. */
  readonly signal: AbortSignal;
  /** When it took the session or renewed its lease, in ms since 1970. */
  takenMs: number;
}

/** How long a writer holds a session without a sign of life, in ms. */
const leaseMs = 15_000;

/** Age of the lease at which flowing bytes renew it, in ms. */
const renewAfterMs = 5_000;

export function createHolds(metadata: MetadataStore, sources: Sources): Holds {
  /** The writer of each session that this process writes to. */
  const writers = new Map<SessionId, Writer>();

  function refuseHeld({ session, leaseUntilMs }: UploadRecord): void {
    const nowMs = sources.now();
    const writer = writers.get(session);
    // Asked of the writer itself: the row may have been read before it took the session.
    if (writer !== undefined && nowMs - writer.takenMs >= leaseMs) {
      const message = 'The upload stalled, and another request goes on with it.';
      writer.stop.abort(new OciError('BLOB_UPLOAD_INVALID', message, { status: 409 }));
    }
    if (writer !== undefined || leaseUntilMs > nowMs) throw busy();
  }

  async function take({ repositoryId, upload: { session } }: FoundUpload, writer: Writer): Promise<Hold> {
    const { takenMs, signal } = writer;
    const upload = await metadata.leaseUpload({ repositoryId, session, nowMs: takenMs, untilMs: takenMs + leaseMs });
    const { epoch } = upload;
    async function refresh(): Promise<void> {
      const nowMs = sources.now();
      if (nowMs - writer.takenMs < renewAfterMs) return;
      await metadata.renewUpload({ session, epoch, nowMs, untilMs: nowMs + leaseMs });
      writer.takenMs = nowMs;
    }
    return {
      upload,
      signal,
      refresh,
      async *renewing(body) {
        for await (const bytes of body) {
          await refresh();
          yield bytes;
        }
        await refresh(); // a store may hand its last bytes on only now
      },
      release: () => metadata.saveUpload({ session, epoch, nowMs: sources.now() }),
    };
  }

  return {
    refuseHeld,
    async hold(found, signal, work) {
      refuseHeld(found.upload);
      const { session } = found.upload;
      const stop = new AbortController();
      const writer = { stop, signal: AbortSignal.any([signal, stop.signal]), takenMs: sources.now() };
      writers.set(session, writer);
      try {
        const hold = await take(found, writer);
        try {
          return await work(hold);
        } catch (error) {
          // What went wrong is worth telling; a lease that could not be given back ends by itself.
          await hold.release().catch(() => undefined);
          throw error;
        }
      } catch (error) {
        throw toUploadError(error);
      } finally {
        writers.delete(session);
      }
    },
  };
}

/** A store's refusal in the words of an upload. */
export function toUploadError(error: unknown): unknown {
  if (isStorageError(error, 'not-found')) return new OciError('BLOB_UPLOAD_UNKNOWN', undefined, { cause: error });
  if (isStorageError(error, 'busy') || isStorageError(error, 'offset-mismatch')) return busy(error);
  return error;
}

function busy(cause?: unknown): OciError {
  return new OciError(
    'BLOB_UPLOAD_INVALID',
    'Another request is writing to this upload. Ask for its state and go on when that one has ended.',
    {
      status: 409,
      headers: { 'Retry-After': String(leaseMs / 1000) },
      cause,
    },
  );
}
