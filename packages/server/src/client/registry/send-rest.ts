import { formatBytes } from '../byte-size.ts';
import type { ContentBlob } from '../content.ts';
import type { BlobCursor } from './blob-cursor.ts';
import type { ChunkLimit } from './chunk-limit.ts';
import type { RegistryClient } from './registry-client.ts';
import { pushScope } from './scopes.ts';
import { afterChunk, closingUrl, type UploadSession } from './upload-session.ts';

/** Blobs up to this size, in bytes, are sent with the request that closes their session, and begun anew when that breaks. */
export const smallBytes = 1024 * 1024;
/** Verifying and moving a large blob may take a registry this long. */
const closingIdleMs = 15 * 60_000;

/** What the uploads to one repository share. */
export interface UploadTarget {
  readonly client: RegistryClient;
  readonly repository: string;
  readonly limit: ChunkLimit;
}

/** One blob on its way. */
export interface Sending {
  readonly blob: ContentBlob;
  readonly cursor: BlobCursor;
  /** Told how many bytes of the blob are sent. */
  onPosition(bytes: number): void;
  /** Told how many bytes the next request has. */
  onBody(bytes: number): void;
  /** Told where the session is, whenever the registry says it. */
  onSession(session: UploadSession): Promise<void>;
}

/** end-5 and end-6. Sends what the registry does not have of a blob, at once or in chunks, and closes the session. One try: rejects when anything goes wrong. */
export async function sendRest(target: UploadTarget, sending: Sending, session: UploadSession): Promise<void> {
  const { client, repository, limit } = target;
  const { digest, size } = sending.blob;
  const isSmall = size <= smallBytes && limit.most(size) === size;
  let current = session;
  while (current.position < size && !(isSmall && current.position === 0)) {
    current = await sendChunk(target, sending, current);
    await sending.onSession(current);
  }
  await client.requestOnce({
    method: 'PUT',
    url: closingUrl(current, digest),
    headers: { 'Content-Type': 'application/octet-stream' },
    body: current.position === size ? new Uint8Array() : bodyOf(sending, 0, size),
    scopes: [pushScope(repository)],
    accepts: [201, 204],
    doing: `take ${digest}`,
    idleMs: closingIdleMs,
  });
}

async function sendChunk(target: UploadTarget, sending: Sending, session: UploadSession): Promise<UploadSession> {
  const { client, repository, limit } = target;
  const { digest, size } = sending.blob;
  const { position, leastChunkBytes } = session;
  const end = Math.min(position + Math.max(limit.most(size - position), leastChunkBytes), size);
  const isWhole = position === 0 && end === size;
  const answer = await client.requestOnce({
    method: 'PATCH',
    url: session.url,
    headers: {
      'Content-Type': 'application/octet-stream',
      ...(!isWhole && { 'Content-Range': `${position}-${end - 1}` }),
    },
    body: bodyOf(sending, position, end),
    scopes: [pushScope(repository)],
    accepts: [202, 204],
    doing: `take ${formatBytes(end - position)} of ${digest}`,
  });
  return afterChunk(client, answer, { session, end });
}

function bodyOf({ cursor, onBody, onPosition }: Sending, from: number, to: number) {
  let position = from;
  onBody(to - from);
  return {
    sizeBytes: to - from,
    open() {
      position = from; // sent anew after a challenge
      return cursor.read(from, to);
    },
    onSent(bytes: number) {
      position += bytes;
      onPosition(position);
    },
  };
}
