import http, { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import process from 'node:process';
import { ExitError } from '../../exit-error.ts';
import { isLoopbackName } from '../../loopback.ts';
import type { Endpoint } from '../endpoint.ts';
import { explainConnection } from './connection-error.ts';

/** A body that is streamed. */
export interface StreamedBody {
  /** Undefined: it is sent as it comes, without a length. */
  readonly sizeBytes: number | undefined;
  /** Its bytes; called once for each time that the request is sent. */
  open(): AsyncIterable<Uint8Array>;
  /** Told of bytes as they are handed to the network. */
  onSent?(bytes: number): void;
}

/** One request as it goes over the wire. */
export interface WireRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamedBody | undefined;
  /** How long nothing may move, in ms. */
  readonly idleMs?: number | undefined;
}

/** One answer, whose body is read or destroyed by who gets it. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly stream: IncomingMessage;
}

/** Sends requests to a registry, and where that sends it on. */
export interface Transport {
  /** Rejects with a `ConnectionError` when no answer comes, or with what the body threw. */
  exchange(request: WireRequest): Promise<WireAnswer>;
  /** What an error while an answer was read means to people. */
  explain(error: unknown, url: URL): Promise<unknown>;
  /** Ends idle connections. */
  close(): void;
}

const defaultIdleMs = 120_000;
/** Bodies from this size on wait for a sign that they are wanted: a refusal is then read, and not lost in a reset. */
const expectBytes = 64 * 1024;
/** A server that knows nothing of such signs gets the body after this time. */
const continueMs = 1000;

/** Connections are kept and used again. Proxies are those of the environment (HTTPS_PROXY, NO_PROXY …), but never for the loopback. */
export function createTransport(endpoint: Endpoint): Transport {
  const options = { keepAlive: true };
  const proxied = { ...options, proxyEnv: process.env };
  const agents = {
    'http:': { near: new http.Agent(options), far: new http.Agent(proxied) },
    'https:': { near: new https.Agent(options), far: new https.Agent(proxied) },
  };
  let hasAnswered = false;
  const explain = (error: unknown, url: URL) => explainConnection(error, { endpoint, url, hasAnswered });

  return {
    explain,
    async exchange({ method, url, headers, body, idleMs = defaultIdleMs }) {
      const protocol = url.protocol === 'https:' ? 'https:' : 'http:';
      const { request } = protocol === 'https:' ? https : http;
      const agent = agents[protocol][isLoopbackName(url.hostname) ? 'near' : 'far'];
      const tls = protocol === 'https:' ? endpoint.tls : {};
      const sizeBytes = body instanceof Uint8Array ? body.length : body?.sizeBytes;
      const lengths = sizeBytes === undefined ? {} : lengthHeaders(sizeBytes);
      try {
        const outgoing = request(url, {
          method,
          agent,
          headers: { ...headers, ...lengths },
          ...tls,
        } as https.RequestOptions);
        const idle = Object.assign(new Error(`nothing moved for ${idleMs / 1000} s`), { code: 'ETIMEDOUT' });
        outgoing.setTimeout(idleMs, () => outgoing.destroy(idle));
        const stream = await send(outgoing, body);
        hasAnswered = true;
        return { status: stream.statusCode ?? 0, headers: stream.headers, stream };
      } catch (error) {
        throw error instanceof BodyError ? error.cause : await explain(error, url);
      }
    },
    close() {
      for (const { near, far } of Object.values(agents)) {
        near.destroy();
        far.destroy();
      }
    },
  };
}

/** The body could not be read, which is nothing that the registry did. */
class BodyError extends Error {}

function lengthHeaders(sizeBytes: number): Record<string, string> {
  return {
    'Content-Length': String(sizeBytes),
    ...(sizeBytes >= expectBytes && { Expect: '100-continue' }),
  };
}

/** Sends the body until an answer comes, which may be before its end: the rest is then not wanted, and the connection ends with that answer. */
async function send(outgoing: ClientRequest, body: Uint8Array | StreamedBody | undefined): Promise<IncomingMessage> {
  const state = { isOver: false };
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    const broken = () => reject(Object.assign(new Error('it was closed'), { code: 'ECONNRESET' }));
    outgoing.once('response', resolve).on('error', reject).once('close', broken);
  }).finally(() => {
    state.isOver = true;
  });
  answered.catch(() => undefined); // told below, unless the body failed first
  const sent = sendBody(outgoing, body, state).catch((error: unknown) => {
    throw new BodyError('The body could not be read.', { cause: error });
  });
  try {
    const stream = await Promise.race([answered, sent.then(() => answered)]);
    stream.once('close', () => {
      if (!outgoing.writableFinished) outgoing.destroy();
    });
    return stream;
  } catch (error) {
    outgoing.destroy();
    throw error;
  }
}

async function sendBody(
  outgoing: ClientRequest,
  body: Uint8Array | StreamedBody | undefined,
  state: { readonly isOver: boolean },
): Promise<void> {
  if (outgoing.hasHeader('Expect')) await untilContinue(outgoing);
  if (body === undefined || body instanceof Uint8Array) {
    if (!state.isOver) outgoing.end(body);
    return;
  }
  let left = body.sizeBytes ?? Number.POSITIVE_INFINITY;
  if (state.isOver) return;
  for await (const chunk of left === 0 ? [] : body.open()) {
    if (state.isOver) return;
    if (chunk.length > left) throw new ExitError('What is to be sent has more bytes than it should.');
    left -= chunk.length;
    if (!outgoing.write(chunk)) await untilDrained(outgoing);
    body.onSent?.(chunk.length);
    if (left === 0) break;
  }
  if (state.isOver) return;
  if (body.sizeBytes !== undefined && left > 0)
    throw new ExitError(`What is to be sent has ${left} bytes less than it should.`);
  outgoing.end();
}

function untilContinue(outgoing: ClientRequest): Promise<void> {
  return untilOneOf(outgoing, ['continue', 'response', 'close'], continueMs);
}

function untilDrained(outgoing: ClientRequest): Promise<void> {
  return untilOneOf(outgoing, ['drain', 'response', 'close']);
}

function untilOneOf(outgoing: ClientRequest, events: readonly string[], timeoutMs?: number): Promise<void> {
  return new Promise((resolve) => {
    if (outgoing.destroyed) return resolve();
    const end = () => {
      clearTimeout(timer);
      for (const event of events) outgoing.off(event, end);
      resolve();
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(end, timeoutMs);
    for (const event of events) outgoing.once(event, end);
  });
}
