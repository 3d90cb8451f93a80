import { type IncomingMessage, type Server, type ServerOptions, type ServerResponse, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { RegistryHandler } from '../http/handler.ts';
import { errorAnswer } from './error-document.ts';
import { createPace, type MinimumRate, movedBytes, type Pace } from './minimum-rate.ts';
import { drainLimits } from './request-body.ts';
import { pathOf, targetOf } from './request-target.ts';

const MAX_HEADER_BYTES = 64 * 1024;

/** What `http.createServer` alone can be told: spread it into its options. Headers may take 64 KiB (long tokens, many `?tag=`), and connections are checked against
 *  `headersTimeout` every 5 s instead of 30. Optional: `tuneServer` sets the first, too. */
export const serverOptions: ServerOptions = { maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: 5000 };

/** Limits of a server; times in milliseconds. */
export interface TuneOptions {
  /** A connection on which the client neither sends nor takes a byte for this long, with TLS up to twice as long, is closed, unless it is the server that keeps it waiting. Default 60,000. */
  readonly idleTimeoutMs?: number;
  /** Slowest that a client may send a body or take an answer, in bytes a second on average over `rateWindowMs`; 0: as slow as it likes. Slower ones are closed; one that sends to a path
   *  of the registry is answered 408 before, and what arrived of its upload is kept. Default 1,024. */
  readonly minBytesPerSecond?: number;
  /** Time over which the rate of a client is averaged. Default 120,000: twice as long as it may be silent, so that a pause can be made good. */
  readonly rateWindowMs?: number;
  /** For the headers of a request to arrive. Default 20,000. */
  readonly headersTimeoutMs?: number;
  /** Largest sum of the headers of a request, in bytes. Default 64 KiB. */
  readonly maxHeaderBytes?: number;
  /** For the next request on a connection. Default 120,000: longer than the 90 s for which Go's clients keep one. */
  readonly keepAliveTimeoutMs?: number;
}

// Sets of objects that others own, so that nothing is written on them: servers that were tuned, and requests that wait for `100 Continue`.
const tunedServers = new WeakSet<object>();
const awaitingContinue = new WeakSet<IncomingMessage>();

/** Whether a host's server, which it hands out as it likes, is one of HTTP/1. */
export function isHttpServer(server: unknown): server is Server {
  return typeof server === 'object' && server !== null && 'requestTimeout' in server;
}

/** Gives a Node server (http or https, listening or not) what the clients of a registry need: no limit on the time of a request but on idleness and slowness, room for large
 *  headers, time for idle connections, `Expect: 100-continue` answered when a body is wanted (for the paths of `registry`; without it as Node does, at once),
 *  and error documents for what is not HTTP. Call it once a server, before connections come. Returns the server. */
export function tuneServer<S extends Server>(server: S, registry?: RegistryHandler, options: TuneOptions = {}): S {
  const { idleTimeoutMs = 60_000, headersTimeoutMs = 20_000, keepAliveTimeoutMs = 120_000 } = options;
  const { maxHeaderBytes = MAX_HEADER_BYTES, minBytesPerSecond = 1024, rateWindowMs = 120_000 } = options;
  if (tunedServers.has(server)) return server;
  tunedServers.add(server);
  // Read for each connection (Node 22, 24 and 26), though missing in Node's types.
  Object.assign(server, { maxHeaderSize: maxHeaderBytes });
  server.requestTimeout = 0;
  server.timeout = idleTimeoutMs;
  server.headersTimeout = headersTimeoutMs;
  server.keepAliveTimeout = keepAliveTimeoutMs;
  server.on('connection', (socket: Socket) => socket.setNoDelay(true).setKeepAlive(true, 60_000));

  const connections = trackRequests(server);
  const goesOn = createTlsWatch();
  server.on('timeout', (socket: Socket) => {
    const request = connections.get(socket)?.request;
    if (request !== undefined && (!isClientsTurn(socket, request) || goesOn(socket))) socket.setTimeout(idleTimeoutMs);
    else socket.destroy();
  });
  if (minBytesPerSecond > 0) {
    const rate = { bytesPerSecond: minBytesPerSecond, windowMs: rateWindowMs };
    watchRates(server, { connections, rate, owns: (request) => registry?.owns(pathOf(targetOf(request))) === true });
  }
  const refuse = createRefusal(maxHeaderBytes);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // Bytes of an answer may be on their way: a document behind them would be taken for a part of it. And where a connection broke or its TLS handshake failed, nobody reads one.
    if (connections.has(socket) || !isOfHttp(error)) socket.destroy();
    else refuse(error, socket);
  });
  if (registry !== undefined) {
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      if (registry.owns(pathOf(targetOf(request)))) awaitContinue(request, response);
      else response.writeContinue();
      server.emit('request', request, response);
    });
  }
  return server;
}

/** Whether the server of a connection was given to `tuneServer`. */
export function isTuned(socket: Socket): boolean {
  return (
    'server' in socket && typeof socket.server === 'object' && socket.server !== null && tunedServers.has(socket.server)
  );
}

/** Whether the client of a request waits to be told to send its body. */
export function awaitsContinue(request: IncomingMessage): boolean {
  return awaitingContinue.has(request);
}

/** Keeps a client waiting until its body is wanted: by the handler, or by who reads it without one, such as a body parser in front or a host that makes a `Request` of it. */
function awaitContinue(request: IncomingMessage, response: ServerResponse): void {
  awaitingContinue.add(request);
  request.once('resume', () => {
    // Node itself takes what is left of a body behind an answer.
    if (!response.headersSent) sayContinue(request, response);
  });
}

/** Tells a client that waits for it to send its body. */
export function sayContinue(request: IncomingMessage, response: ServerResponse): void {
  if (awaitingContinue.delete(request)) response.writeContinue();
}

/** Whether an error lies in what was said, and not in the connection. */
function isOfHttp({ code = '' }: NodeJS.ErrnoException): boolean {
  return code.startsWith('HPE_') || code.startsWith('ERR_HTTP_');
}

/** What is under way on a connection. */
interface Exchange {
  /** Requests without a whole answer. */
  count: number;
  /** The latest of them. */
  request: IncomingMessage;
  response: ServerResponse;
  pace?: Pace;
}

/** The connections on which something is under way. */
function trackRequests(server: Server): ReadonlyMap<Socket, Exchange> {
  const connections = new Map<Socket, Exchange>();
  // Before Node 26 a response that waits behind another does not hear that its connection has closed. Requests over TLS know the connection of the second event.
  for (const event of ['connection', 'secureConnection']) {
    server.on(event, (socket: Socket) => socket.once('close', () => connections.delete(socket)));
  }
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const known = connections.get(socket) ?? { count: 0, request, response };
    known.count += 1;
    known.request = request;
    known.response = response;
    connections.set(socket, known);
    response.once('close', () => {
      known.count -= 1;
      if (known.count === 0) connections.delete(socket);
    });
  });
  return connections;
}

/** Whether a connection waits for its client: not everything sent was taken, or of the body nothing is there to be used. Otherwise it is the server that takes long, which may
 *  have a large upload to read again. */
function isClientsTurn(socket: Socket, request: IncomingMessage): boolean {
  return (
    socket.writableLength > 0 || (!request.complete && request.readableLength === 0 && !awaitingContinue.has(request))
  );
}

/** The connection below one of TLS, which alone knows how much of a write was taken; of a plain one itself. */
function carrierOf(socket: Socket): Socket {
  return '_parent' in socket && socket._parent instanceof Socket ? socket._parent : socket;
}

/** Makes what tells whether a TLS connection whose time ran out has carried bytes meanwhile. Node tells a write that goes on by the length of its queue, which with TLS stays as it is until all of the
 *  write is taken, and a slow client takes minutes for one. What it had carried before is not known the first time, so that silence may last twice as long there. */
function createTlsWatch(): (socket: Socket) => boolean {
  const carriedBytes = new WeakMap<Socket, number>();
  return (socket) => {
    const carrier = carrierOf(socket);
    if (carrier === socket) return false;
    const before = carriedBytes.get(socket);
    carriedBytes.set(socket, movedBytes(carrier));
    return before !== carriedBytes.get(socket);
  };
}

interface RateWatch {
  readonly connections: ReadonlyMap<Socket, Exchange>;
  readonly rate: MinimumRate;
  readonly owns: (request: IncomingMessage) => boolean;
}

/** Ends slow clients. It looks at all connections every now and then, so that a chunk costs nothing. */
function watchRates(server: Server, { connections, rate, owns }: RateWatch): void {
  const endIfSlow = (socket: Socket, exchange: Exchange): void => {
    const { request } = exchange;
    const progress = {
      request,
      isClientsTurn: isClientsTurn(socket, request),
      movedBytes: movedBytes(carrierOf(socket)),
    };
    exchange.pace ??= createPace(rate);
    if (exchange.pace(performance.now(), progress)) endSlow(socket, exchange);
  };
  const endSlow = (socket: Socket, { count, request, response }: Exchange): void => {
    if (count > 1 || request.complete || response.headersSent || !owns(request)) socket.destroy();
    else refuseSlow(socket, response, rate);
  };
  let timer: NodeJS.Timeout | undefined;
  server.on('connection', () => {
    timer ??= setInterval(() => {
      for (const [socket, exchange] of connections) endIfSlow(socket, exchange);
    }, rate.windowMs / 4).unref();
  });
  server.on('close', () => {
    clearInterval(timer);
    timer = undefined;
  });
}

/** Answers a request whose body comes too slowly, and closes its connection as gently as after a refusal: what arrives meanwhile is still taken for the upload. */
function refuseSlow(socket: Socket, response: ServerResponse, { bytesPerSecond, windowMs }: MinimumRate): void {
  const { status, headers, body } = errorAnswer(
    408,
    `This body came slower than ${bytesPerSecond} bytes a second over ${windowMs / 1000} s. What arrived of an upload is kept: ask its session for the size, and go on from there.`,
  );
  response.writeHead(status, { ...headers, Connection: 'close' });
  // Not `end`, with which Node would close the connection under a client that has not read it yet.
  if (body.kind === 'bytes') response.write(body.bytes);
  const timer = setTimeout(() => socket.destroy(), drainLimits.timeoutMs);
  socket.once('close', () => clearTimeout(timer));
}

/** Answers what cannot be a request with an error document and closes the connection, as gently as after a refusal: the client may still be sending. */
function createRefusal(maxHeaderBytes: number): (error: NodeJS.ErrnoException, socket: Socket) => void {
  const refusedAt = new WeakMap<Socket, number>();
  return (error, socket) => {
    const before = refusedAt.get(socket);
    if (before === undefined && socket.writable) {
      refusedAt.set(socket, socket.bytesRead);
      socket.end(refusalOf(error, maxHeaderBytes));
      const timer = setTimeout(() => socket.destroy(), drainLimits.timeoutMs);
      socket.once('close', () => clearTimeout(timer));
    } else if (before === undefined || socket.bytesRead - before > drainLimits.bytes) {
      socket.destroy();
    }
  };
}

function refusalOf(error: NodeJS.ErrnoException, maxHeaderBytes: number): Uint8Array {
  const { status, headers, body } = describe(error, maxHeaderBytes);
  const lines = Object.entries({ ...headers, Connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n`;
  return Buffer.concat([Buffer.from(head), body.kind === 'bytes' ? body.bytes : Buffer.alloc(0)]);
}

function describe(error: NodeJS.ErrnoException, maxHeaderBytes: number): ReturnType<typeof errorAnswer> {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return errorAnswer(431, `The headers of this request are larger than ${maxHeaderBytes} bytes.`);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return errorAnswer(408, 'The headers of this request did not arrive in time.');
    default:
      return errorAnswer(400, 'This is not a valid HTTP request.');
  }
}
