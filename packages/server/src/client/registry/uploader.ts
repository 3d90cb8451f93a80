import type { ContentBlob } from '../content.ts';
import { ConnectionError } from '../http/connection-error.ts';
import { RefusedError } from '../http/refused-error.ts';
import { waitAfter } from '../http/retry.ts';
import { createBlobCursor } from './blob-cursor.ts';
import { hasBlob } from './blobs.ts';
import { createChunkLimit } from './chunk-limit.ts';
import type { RegistryClient } from './registry-client.ts';
import { type Sending, sendRest, smallBytes, type UploadTarget } from './send-rest.ts';
import type { UploadMemory } from './upload-memory.ts';
import { askSession, openSession, type UploadSession } from './upload-session.ts';

/** How a blob came to be in the repository. */
export type Pushed = 'exists' | 'mounted' | 'uploaded';

/** What belongs to one blob's upload. */
export interface PushBlobOptions {
  /** A repository of the same registry that has the blob. */
  readonly mountFrom?: string | undefined;
  /** Told how many bytes of the blob are sent, which may be less than before when some were lost. */
  readonly onPosition?: ((bytes: number) => void) | undefined;
}

/** Pushes blobs to one repository. */
export interface Uploader {
  /** Resolves once the repository has the blob. Rejects with an `ExitError`; bytes that arrived until then are gone on with next time. */
  push(blob: ContentBlob, options?: PushBlobOptions): Promise<Pushed>;
}

/** What an uploader needs. */
export interface UploaderNeeds {
  readonly client: RegistryClient;
  readonly repository: string;
  /** Most bytes that are sent at once; everything that is left unless it is given. */
  readonly chunkBytes?: number | undefined;
  readonly memory: UploadMemory;
  /** Told a sentence for people. */
  readonly tell: (sentence: string) => void;
}

/** An uploader whose chunks become smaller, for all blobs, where a proxy does not let them through. */
export function createUploader({ client, repository, chunkBytes, memory, tell }: UploaderNeeds): Uploader {
  const target = { client, repository, limit: createChunkLimit(chunkBytes, { host: client.host, tell }) };
  return {
    async push(blob, options = {}) {
      if (await hasBlob(client, { repository, ...blob })) return 'exists';
      const cursor = createBlobCursor(blob);
      try {
        return await upload(target, { blob, cursor, memory: memoryOf(target, memory, blob), options });
      } finally {
        await cursor.close();
      }
    },
  };
}

/** What is remembered of one blob's session. */
interface SessionMemory {
  find(): Promise<string | undefined>;
  remember(session: UploadSession): Promise<void>;
  forget(): Promise<void>;
}

/** A small blob is sent anew sooner than it is asked for. */
function memoryOf(
  { client, repository }: UploadTarget,
  memory: UploadMemory,
  { digest, size }: ContentBlob,
): SessionMemory {
  const key = { origin: client.origin, repository, digest };
  const isKept = size > smallBytes;
  return {
    find: async () => (isKept ? memory.find(key) : undefined),
    remember: async ({ url }) => (isKept ? memory.remember(key, url.href) : undefined),
    forget: async () => (isKept ? memory.forget(key) : undefined),
  };
}

/** How one blob's upload goes. */
interface Trial {
  readonly blob: ContentBlob;
  session: UploadSession | undefined;
  /** The session is of a run before this one, and may hold anything. */
  isRecalled: boolean;
  /** Tries that failed since the registry last had more bytes than ever before. */
  failures: number;
  mostBytes: number;
  /** Of the last request. */
  bodyBytes: number;
}

async function upload(
  target: UploadTarget,
  {
    blob,
    cursor,
    memory,
    options,
  }: Pick<Sending, 'blob' | 'cursor'> & { memory: SessionMemory; options: PushBlobOptions },
): Promise<Pushed> {
  const { client, repository } = target;
  const place = { repository, ...blob };
  const session = await recall(target, blob, await memory.find());
  const trial: Trial = { blob, session, isRecalled: session !== undefined, failures: 0, mostBytes: 0, bodyBytes: 0 };
  const sending: Sending = {
    blob,
    cursor,
    onPosition: (bytes) => options.onPosition?.(bytes),
    onBody(bytes) {
      trial.bodyBytes = bytes;
    },
    async onSession(session) {
      trial.session = session;
      options.onPosition?.(session.position);
      await memory.remember(session);
    },
  };
  for (;;) {
    const opened = trial.session ?? (await openSession(client, place, options.mountFrom));
    if (opened === 'mounted') return 'mounted';
    await sending.onSession(opened);
    try {
      await sendRest(target, sending, opened);
      break;
    } catch (error) {
      if (error instanceof RefusedError && error.status === 400) await memory.forget();
      trial.session = await mend(target, trial, error);
      // The answer that was lost may have been to the request that closed the session.
      if (trial.session === undefined && (await hasBlob(client, place))) break;
    }
  }
  await memory.forget();
  return 'uploaded';
}

/** The session of a run before this one, as far as the registry still knows it. */
async function recall({ client, repository }: UploadTarget, blob: ContentBlob, address: string | undefined) {
  if (address === undefined || new URL(address).origin !== client.origin) return undefined;
  const session = { url: new URL(address), position: 0, leastChunkBytes: 1 };
  return usable(await askSession(client, { repository, digest: blob.digest }, session), blob);
}

/** The session to go on with after `error`, `undefined` when it is to be a new one; throws the error when there is nothing more to try. */
async function mend(
  { client, repository, limit }: UploadTarget,
  trial: Trial,
  error: unknown,
): Promise<UploadSession | undefined> {
  const { blob, session } = trial;
  const wasRecalled = trial.isRecalled;
  trial.isRecalled = false;
  if (error instanceof RefusedError && error.status === 400 && wasRecalled) return undefined;
  if (error instanceof RefusedError && error.status === 413) limit.shrink(error, trial.bodyBytes);
  else await waitBeforeNext(client, trial, error);
  if (session === undefined) return undefined;
  const now = usable(await askSession(client, { repository, digest: blob.digest }, session), blob);
  if (now !== undefined && now.position > trial.mostBytes) {
    trial.mostBytes = now.position;
    trial.failures = 0;
  }
  return now;
}

async function waitBeforeNext(client: RegistryClient, trial: Trial, error: unknown): Promise<void> {
  const wait = waitAfter(isStale(error) ? staleSession : error, trial.failures);
  if (wait === undefined) throw error;
  trial.failures += 1;
  await client.sleep(wait);
}

/** Waited for as a broken connection is: another writer may hold the session for a moment after its connection is gone. */
const staleSession = new ConnectionError('The upload session is not where it was.', { isTransient: true });

/** Whether asking for the session, or for a new one, may help. */
function isStale(error: unknown): boolean {
  return error instanceof RefusedError && [404, 409, 416].includes(error.status);
}

function usable(session: UploadSession | undefined, { size }: ContentBlob): UploadSession | undefined {
  return session !== undefined && session.position <= size ? session : undefined;
}
