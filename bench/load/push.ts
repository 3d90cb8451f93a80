import { createHash } from 'node:crypto';
import { type Blob, manifestType, repository } from '../content.ts';
import type { Answer, Connection } from './connection.ts';

/** Pushes a blob in two requests, POST and PUT (end-4a, end-6). */
export async function pushBlob(connection: Connection, fields: string, blob: Blob): Promise<void> {
  await closeUpload(connection, fields, { location: await openUpload(connection, fields), ...blob });
}

/** Pushes a blob by POST, a PATCH for each chunk (end-5), and a PUT without a body. */
export async function pushBlobInChunks(
  connection: Connection,
  fields: string,
  { blob, chunkBytes }: { readonly blob: Blob; readonly chunkBytes: number },
): Promise<void> {
  let location = await openUpload(connection, fields);
  for (const { first, sizeBytes, pieces } of chunksOf(blob, chunkBytes)) {
    const range = `Content-Range: ${first}-${first + sizeBytes - 1}\r\n`;
    const head = `PATCH ${location} HTTP/1.1\r\n${fields}${range}${bodyFields(sizeBytes)}`;
    location = locationOf(expectStatus(await connection.exchange(head, { body: pieces }), 202));
  }
  await closeUpload(connection, fields, { location, digest: blob.digest, sizeBytes: 0, pieces: [] });
}

async function closeUpload(
  connection: Connection,
  fields: string,
  { location, digest, sizeBytes, pieces }: Blob & { readonly location: string },
): Promise<void> {
  const target = `${location}${location.includes('?') ? '&' : '?'}digest=${digest}`;
  const head = `PUT ${target} HTTP/1.1\r\n${fields}${bodyFields(sizeBytes)}`;
  expectStatus(await connection.exchange(head, { body: pieces }), 201);
}

/** Opens an upload session (end-4a) and returns where it goes on. */
export async function openUpload(connection: Connection, fields: string): Promise<string> {
  const head = `POST /v2/${repository}/blobs/uploads/ HTTP/1.1\r\n${fields}Content-Length: 0\r\n\r\n`;
  return locationOf(expectStatus(await connection.exchange(head), 202));
}

/** Pushes a manifest to a tag, without one by its digest (end-7). */
export async function putManifest(
  connection: Connection,
  fields: string,
  { tag, text }: { readonly tag?: string; readonly text: string },
): Promise<void> {
  const reference = tag ?? `sha256:${createHash('sha256').update(text).digest('hex')}`;
  const head = `PUT /v2/${repository}/manifests/${reference} HTTP/1.1\r\n${fields}Content-Type: ${manifestType}\r\nContent-Length: ${text.length}\r\n\r\n`;
  // In one write: the text is ASCII, and a second one would cost as much as the first.
  expectStatus(await connection.exchange(head + text), 201);
}

/** Asks for a blob of another repository (end-11): 201, or 202 from a registry that wants it pushed. */
export function mountBlob(
  connection: Connection,
  fields: string,
  { digest, from, into }: { readonly digest: string; readonly from: string; readonly into: string },
): Promise<Answer> {
  const query = `mount=${digest}&from=${encodeURIComponent(from)}`;
  return connection.exchange(`POST /v2/${into}/blobs/uploads/?${query} HTTP/1.1\r\n${fields}Content-Length: 0\r\n\r\n`);
}

/** Returns the answer if it has this status, else throws what came instead. */
export function expectStatus(answer: Answer, status: number): Answer {
  if (answer.status !== status) throw new Error(`Expected ${status}, got:\n${answer.head}`);
  return answer;
}

function bodyFields(sizeBytes: number): string {
  return `Content-Type: application/octet-stream\r\nContent-Length: ${sizeBytes}\r\n\r\n`;
}

function locationOf({ head }: Answer): string {
  const location = /\r\nlocation: *([^\r]+)/i.exec(head)?.[1];
  if (location === undefined) throw new Error('An upload goes on and its answer has no Location.');
  const { pathname, search } = new URL(location, 'http://localhost');
  return pathname + search;
}

function* chunksOf({ sizeBytes, pieces }: Blob, chunkBytes: number) {
  let first = 0;
  let chunk: { sizeBytes: number; pieces: Uint8Array[] } = { sizeBytes: 0, pieces: [] };
  for (const piece of pieces) {
    chunk.pieces.push(piece);
    chunk.sizeBytes += piece.length;
    if (chunk.sizeBytes < chunkBytes && first + chunk.sizeBytes < sizeBytes) continue;
    yield { first, ...chunk };
    first += chunk.sizeBytes;
    chunk = { sizeBytes: 0, pieces: [] };
  }
}
