import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { kib, mib, repository } from '../content.ts';
import type { Target } from '../target.ts';
import { type Connection, openConnection } from './connection.ts';
import { expectStatus, openUpload } from './push.ts';
import { headerFields } from './steps.ts';

/** Clients that hold a server's memory; `close` hangs them all up. */
export interface Held {
  close(): void;
}

const stepBytes = 64 * kib;
const stepMs = 50;
const slowBytes = 2 * mib;

/** Opens `count` connections that have asked for one thing each and now say nothing. */
export async function holdIdle(target: Target, count: number): Promise<Held> {
  const connections: Connection[] = [];
  for (let opened = 0; opened < count; opened += 1) {
    const connection = await openConnection(target.host, target.port, kib);
    const answer = await connection.exchange(`GET /v2/ HTTP/1.1\r\n${headerFields(target)}\r\n`);
    expectStatus(answer, 200);
    connections.push(connection);
  }
  return {
    close() {
      for (const connection of connections) connection.close();
    },
  };
}

/** `pulls` clients that pull a blob and `pushes` that push one, 64 KiB every 50 ms; resolves when each has moved 2 MiB, in the midst of its transfer. */
export async function holdSlow(
  target: Target,
  { pulls, pushes, digest }: { readonly pulls: number; readonly pushes: number; readonly digest: string },
): Promise<Held> {
  const sockets: Socket[] = [];
  const opened = async () => {
    const socket = connect({ host: target.host, port: target.port, noDelay: true });
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  await Promise.all([
    ...Array.from({ length: pulls }, async () => pullSlowly(await opened(), target, digest)),
    ...Array.from({ length: pushes }, async () => pushSlowly(await opened(), target)),
  ]);
  return {
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function pullSlowly(socket: Socket, target: Target, digest: string): Promise<void> {
  socket.write(`GET /v2/${repository}/blobs/${digest} HTTP/1.1\r\n${headerFields(target)}\r\n`);
  let bytes = 0;
  while (bytes < slowBytes) {
    await wait(stepMs);
    const chunk: Buffer | null = socket.read(stepBytes) ?? socket.read();
    if (bytes === 0 && chunk !== null) expectStart(chunk, 'HTTP/1.1 200');
    bytes += chunk?.length ?? 0;
  }
}

/** Of a body that is eight times as long as what is sent. */
async function pushSlowly(socket: Socket, target: Target): Promise<void> {
  const fields = headerFields(target);
  const opener = await openConnection(target.host, target.port);
  const location = await openUpload(opener, fields);
  opener.close();
  const body = `Content-Type: application/octet-stream\r\nContent-Length: ${slowBytes * 8}\r\n`;
  socket.write(`PATCH ${location} HTTP/1.1\r\n${fields}${body}\r\n`);
  const piece = Buffer.alloc(stepBytes);
  for (let bytes = 0; bytes < slowBytes; bytes += stepBytes) {
    socket.write(piece);
    await wait(stepMs);
    const answer: Buffer | null = socket.read();
    if (answer !== null) expectStart(answer, 'nothing before the body has ended');
  }
}

function expectStart(bytes: Buffer, start: string): void {
  const text = bytes.toString('latin1', 0, 200);
  if (!text.startsWith(start)) throw new Error(`Expected ${start}, got:\n${text}`);
}
