import { type Blob, manifestType, repository } from '../content.ts';
import type { Answer, Connection } from './connection.ts';

/** Pushes a blob in two requests, POST and PUT (end-4a, end-6). */
export async function pushBlob(connection: Connection, host: string, blob: Blob): Promise<void> {
  const opened = await connection.exchange(
    `POST /v2/${repository}/blobs/uploads/ HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n\r\n`,
  );
  const location = /\r\nlocation: *([^\r]+)/i.exec(expectStatus(opened, 202).head)?.[1];
  if (location === undefined) throw new Error('A session was opened and its answer has no Location.');
  const { pathname, search } = new URL(location, 'http://localhost');
  const target = `${pathname}${search}${search === '' ? '?' : '&'}digest=${blob.digest}`;
  const head = `PUT ${target} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/octet-stream\r\nContent-Length: ${blob.sizeBytes}\r\n\r\n`;
  expectStatus(await connection.exchange(head, blob.pieces), 201);
}

/** Pushes a manifest to a tag (end-7). */
export async function putManifest(
  connection: Connection,
  host: string,
  { tag, text }: { readonly tag: string; readonly text: string },
): Promise<void> {
  const head = `PUT /v2/${repository}/manifests/${tag} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${manifestType}\r\nContent-Length: ${text.length}\r\n\r\n`;
  // In one write: the text is ASCII, and a second one would cost as much as the first.
  expectStatus(await connection.exchange(head + text), 201);
}

/** Returns the answer if it has this status, else throws what came instead. */
export function expectStatus(answer: Answer, status: number): Answer {
  if (answer.status !== status) throw new Error(`Expected ${status}, got:\n${answer.head}`);
  return answer;
}
