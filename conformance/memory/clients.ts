import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Content } from '../endurance/content.ts';
import { ask, openSession } from '../endurance/transfers.ts';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const configBytes = new TextEncoder().encode('{}');
const configDigest = `sha256:${createHash('sha256').update(configBytes).digest('hex')}`;
/** As large as that of an image of ten layers. */
const paddingBytes = 2000;
const slowBytes = 16 * 1024;
const slowMs = 200;

/** Pushes the blob that the manifests name. */
export async function pushConfig(repository: string): Promise<void> {
  await ask('POST', `${repository}/blobs/uploads/?digest=${configDigest}`, {
    status: 201,
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': configBytes.byteLength },
    body: [configBytes],
  });
}

/** A manifest like no other of its name. */
export function manifestOf(name: string): string {
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: configDigest, size: 2 };
  const annotations = { name, padding: 'x'.repeat(paddingBytes) };
  return JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config, layers: [], annotations });
}

/** A connection that is kept: one request at a time. */
export interface Connection {
  readonly socket: Socket;
  /** Sends a request, with a manifest of ASCII alone as its body, and takes its answer. Throws unless that has `status`. */
  ask(request: { method: string; path: string; body?: string; status: number }): Promise<void>;
}

/** Opens a connection to the host of a URL. */
export async function openConnection(url: string): Promise<Connection> {
  const { hostname, port, host } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  socket.on('error', () => socket.destroy()); // what waits for an answer hears that the connection is closed
  return {
    socket,
    async ask({ method, path, body, status }) {
      const type = body === undefined ? '' : `Content-Type: ${manifestType}\r\nContent-Length: ${body.length}\r\n`;
      socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${type}\r\n${body ?? ''}`);
      const answer = await readAnswer(socket);
      if (!answer.startsWith(`HTTP/1.1 ${status} `)) throw new Error(`${method} ${path} was answered: ${answer}`);
    },
  };
}

function readAnswer(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const onClose = () => reject(new Error(`The connection was closed after: ${answer}`));
    const onData = (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      const headEnd = answer.indexOf('\r\n\r\n');
      const [, length = '0'] = /^content-length: (\d+)/im.exec(answer.slice(0, Math.max(headEnd, 0))) ?? [];
      if (headEnd < 0 || answer.length < headEnd + 4 + Number(length)) return;
      socket.off('data', onData).off('close', onClose);
      resolve(answer);
    };
    socket.on('data', onData).once('close', onClose);
  });
}

/** Does `work` on as many connections at once, again and again for a time, and closes them. `turn` counts up over all of them. */
export async function keepAsking(
  url: string,
  { connections, forMs }: { readonly connections: number; readonly forMs: number },
  work: (connection: Connection, turn: number) => Promise<void>,
): Promise<number> {
  const deadline = performance.now() + forMs;
  let turn = 0;
  const client = async () => {
    const connection = await openConnection(url);
    while (performance.now() < deadline) {
      turn += 1;
      await work(connection, turn);
    }
    connection.socket.destroy();
  };
  await Promise.all(Array.from({ length: connections }, client));
  return turn;
}

/** Takes a blob slowly, for a time, and goes away in the middle of it. */
export async function readSlowly(blobUrl: string, forMs: number): Promise<void> {
  const { socket } = await openConnection(blobUrl);
  const { host, pathname } = new URL(blobUrl);
  socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const [first] = (await once(socket, 'data')) as [Buffer];
  if (!first.toString('latin1').startsWith('HTTP/1.1 200 ')) throw new Error(`A reader got: ${first.toString()}`);
  socket.pause();
  await every(forMs, () => socket.read(slowBytes));
  if (socket.destroyed) throw new Error('A slow reader was cut off.');
  socket.destroy();
}

/** Sends a content slowly, for a time, and goes away in the middle of it. */
export async function sendSlowly(repository: string, content: Content, forMs: number): Promise<void> {
  const session = await openSession(repository);
  const { socket } = await openConnection(session);
  const { host, pathname, search } = new URL(session);
  const headers = `Content-Type: application/octet-stream\r\nContent-Length: ${content.sizeBytes}`;
  socket.write(`PATCH ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n\r\n`);
  let sentBytes = 0;
  const [chunk = new Uint8Array()] = content.chunks(0, 1);
  await every(forMs, () => {
    socket.write(chunk.subarray(sentBytes % chunk.byteLength, (sentBytes % chunk.byteLength) + slowBytes));
    sentBytes += slowBytes;
  });
  if (socket.destroyed) throw new Error('A slow sender was cut off.');
  socket.destroy();
}

async function every(forMs: number, act: () => void): Promise<void> {
  const deadline = performance.now() + forMs;
  while (performance.now() < deadline) {
    act();
    await delay(slowMs);
  }
}
