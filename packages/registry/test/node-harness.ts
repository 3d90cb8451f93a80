import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { serverOptions, type TuneOptions, toNodeHandler, tuneServer } from '../src/adapters/node.ts';
import type { RegistryHandler } from '../src/http/handler.ts';
import type { RegistryRequest, RegistryResponse, ResponseHeaders } from '../src/http/message.ts';

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** A registry that owns `/v2` and answers as it is told. */
export function handlerOf(handle: (request: RegistryRequest) => Promise<RegistryResponse>): RegistryHandler {
  return { owns: (path) => path === '/v2' || path.startsWith('/v2/'), handle };
}

/** An answer with a text. */
export function text(status: number, body: string, headers: ResponseHeaders = {}): RegistryResponse {
  const bytes = new TextEncoder().encode(body);
  return {
    status,
    headers: { ...headers, 'Content-Length': String(bytes.byteLength) },
    body: { kind: 'bytes', bytes },
  };
}

/** A server of a test, on a port that the system gives, closed with the test. */
export interface TestServer {
  readonly server: Server;
  readonly port: number;
  readonly sockets: readonly Socket[];
  readonly errors: readonly unknown[];
  connect(): Promise<Client>;
}

export interface ServeOptions extends TuneOptions {
  readonly checkingIntervalMs?: number;
  /** Stands before the registry. */
  readonly before?: (listener: RequestListener) => RequestListener;
}

/** Serves `registry` from a tuned server. */
export async function serve(registry: RegistryHandler, options: ServeOptions = {}): Promise<TestServer> {
  const errors: unknown[] = [];
  const sockets: Socket[] = [];
  const handler = toNodeHandler(registry, { onError: (error) => errors.push(error) });
  const listener: RequestListener = (request, response) => handler(request, response);
  const server = createServer(
    { ...serverOptions, connectionsCheckingInterval: options.checkingIntervalMs ?? 5000 },
    options.before?.(listener) ?? listener,
  );
  tuneServer(server, registry, options).on('connection', (socket: Socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const port = portOf(server);
  return { server, port, sockets, errors, connect: () => openClient(port) };
}

/** The port on which a server listens. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server listens on no port.');
  return address.port;
}

/** An answer as it came over the socket. */
export interface RawAnswer {
  readonly status: number;
  /** Head as it came, with its status line. */
  readonly head: string;
  readonly body: Buffer;
}

/** A raw connection: nothing is hidden, nothing is repeated. */
export interface Client {
  readonly socket: Socket;
  /** Resolves to the number of bytes that came, once the connection is closed. */
  readonly closed: Promise<number>;
  send(data: string | Uint8Array): void;
  /** The next answer. Rejects when the connection closes before its end. `bodiless`: it is for HEAD. */
  answer(options?: { readonly bodiless: boolean }): Promise<RawAnswer>;
}

/** Opens a raw connection to a port of this machine. */
export async function openClient(port: number): Promise<Client> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let received: Buffer[] = [];
  let receivedBytes = 0;
  let wantedBytes = 0;
  let isClosed = false;
  let totalBytes = 0;
  let look = (): void => undefined;
  socket.on('data', (chunk: Buffer) => {
    totalBytes += chunk.length;
    receivedBytes += chunk.length;
    received.push(chunk);
    if (receivedBytes >= wantedBytes) look();
  });
  // A reset is one of the ways in which a server closes a connection; 'close' follows.
  socket.on('error', () => undefined);
  const closed = new Promise<number>((resolve) => {
    socket.once('close', () => {
      isClosed = true;
      look();
      resolve(totalBytes);
    });
  });
  const take = (bodiless: boolean): RawAnswer | undefined => {
    const all = received.length === 1 && received[0] !== undefined ? received[0] : Buffer.concat(received);
    const end = all.indexOf('\r\n\r\n');
    const head = all.toString('latin1', 0, Math.max(end, 0));
    const length = bodiless ? 0 : Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
    const isWhole = end >= 0 && all.length >= end + 4 + length;
    received = [isWhole ? all.subarray(end + 4 + length) : all];
    receivedBytes = received[0]?.length ?? 0;
    wantedBytes = isWhole || end < 0 ? 0 : end + 4 + length;
    return isWhole
      ? { status: Number(head.slice(9, 12)), head, body: all.subarray(end + 4, end + 4 + length) }
      : undefined;
  };
  return {
    socket,
    closed,
    send: (data) => {
      socket.write(data);
    },
    answer: ({ bodiless } = { bodiless: false }) =>
      new Promise((resolve, reject) => {
        look = () => {
          const answer = take(bodiless);
          if (answer !== undefined) resolve(answer);
          else if (isClosed) reject(new Error('The connection was closed before the answer was complete.'));
        };
        look();
      }),
  };
}

/** Head of a request. */
export function head(method: string, target: string, headers: Readonly<Record<string, string | number>> = {}): string {
  const lines = Object.entries({ Host: 'registry.test', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** A promise with its handle. */
export function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
}

/** Waits, turn by turn of the event loop, until `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** The code and message of an error document. */
export function errorOf(document: string | Buffer): { readonly code: string; readonly message: string } {
  return JSON.parse(document.toString()).errors[0];
}
