import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { MIB } from './content.ts';
import { openSession } from './transfers.ts';

/** How long a client stays after it has stopped to read or to send, in ms. */
const lingerMs = 100;
const announcedBytes = 16 * MIB;
const sent = Buffer.alloc(256 * 1024, 'x');
const trickledBytes = 20;
const trickleMs = 10;

/** A client by its number, which decides between its ways of going away. Returns the upload session that it leaves behind, if any. */
export type HostileClient = (number: number) => Promise<string | undefined>;

/** Asks for a blob, takes the first bytes, reads no more, and goes away. */
export function stopReading(blobUrl: string): HostileClient {
  return async (number) => {
    const socket = await openSocket(blobUrl);
    socket.write(head('GET', blobUrl, []));
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    socket.pause();
    if (!chunk.toString('latin1').startsWith('HTTP/1.1 200 ')) throw new Error(`A reader got: ${chunk.toString()}`);
    await delay(lingerMs);
    leave(socket, number);
    return undefined;
  };
}

/** Sends a part of what it announced, by PATCH or PUT, with a length or in chunks, and hangs up. */
export function hangUp(repository: string): HostileClient {
  return async (number) => {
    const session = await openSession(repository);
    const isPut = number % 2 === 1;
    const isMeasured = number % 4 < 2;
    const target = isPut ? `${session}?digest=sha256:${'0'.repeat(64)}` : session;
    const framing = isMeasured ? `Content-Length: ${announcedBytes}` : 'Transfer-Encoding: chunked';
    const socket = await openSocket(session);
    socket.write(head(isPut ? 'PUT' : 'PATCH', target, ['Content-Type: application/octet-stream', framing]));
    if (!isMeasured) socket.write(`${announcedBytes.toString(16)}\r\n`);
    await new Promise((resolve) => socket.write(sent, resolve));
    await delay(number % 3 === 0 ? 0 : lingerMs);
    leave(socket, number);
    return session;
  };
}

/** Sends byte by byte. Half of these clients come to an end and are answered; the others go away before. */
export function trickle(repository: string): HostileClient {
  return async (number) => {
    const session = await openSession(repository);
    const socket = await openSocket(session);
    const headers = ['Content-Type: application/octet-stream', `Content-Length: ${trickledBytes}`];
    const isPatient = number % 2 === 0;
    const answered = isPatient ? once(socket, 'data') : undefined;
    socket.write(head('PATCH', session, headers));
    for (let i = isPatient ? 0 : trickledBytes / 2; i < trickledBytes; i += 1) {
      socket.write('x');
      await delay(trickleMs);
    }
    const [answer] = (await answered) ?? [];
    if (isPatient && !String(answer).startsWith('HTTP/1.1 202 ')) throw new Error(`A slow client got: ${answer}`);
    leave(socket, number >> 1);
    return session;
  };
}

async function openSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  // A reset by the server is one of the ways in which it may end.
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

function head(method: string, url: string, headers: readonly string[]): string {
  const { host, pathname, search } = new URL(url);
  return `${[`${method} ${pathname}${search} HTTP/1.1`, `Host: ${host}`, ...headers].join('\r\n')}\r\n\r\n`;
}

/** Every second one by a reset, as a client that crashes. */
function leave(socket: Socket, number: number): void {
  if (number % 2 === 0) socket.destroy();
  else socket.resetAndDestroy();
}
