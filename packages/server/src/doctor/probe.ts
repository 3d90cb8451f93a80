import type { IncomingHttpHeaders } from 'node:http';
import type { Credentials } from '../client/credentials/credentials.ts';
import type { Endpoint } from '../client/endpoint.ts';
import { createAuthorizer } from '../client/http/authorizer.ts';
import { readBytes } from '../client/http/small-body.ts';
import { fetchToken } from '../client/http/tokens.ts';
import { createTransport, type StreamedBody, type WireAnswer } from '../client/http/transport.ts';
import { type Hop, recognizeHops } from './hops.ts';

/** One question to the registry. */
export interface Question {
  readonly method: string;
  /** A path of the registry, or a whole URL; credentials go to the registry's own origin alone. */
  readonly url: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamedBody;
  /** What is wanted; undefined: nothing is shown to it. */
  readonly scopes?: readonly string[];
}

/** An answer, of whatever status, with its body read. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly url: URL;
}

/** Asks a registry once each time, without retries and without following anything, and remembers which hops showed themselves. */
export interface Probe {
  readonly endpoint: Endpoint;
  /** Seen in any answer so far, the nearest first. */
  readonly hops: readonly Hop[];
  /** Rejects with an `ExitError` when no answer comes, or no token. */
  ask(question: Question): Promise<Reply>;
  close(): void;
}

/** Nobody waits longer for one byte at a doctor's. */
const idleMs = 60_000;

/** Makes a probe; nothing is sent yet. Credentials are looked for once the registry asks for some. */
export function createProbe(endpoint: Endpoint, findCredentials: () => Promise<Credentials | undefined>): Probe {
  const transport = createTransport(endpoint);
  const authorizer = createAuthorizer({
    findCredentials,
    fetchToken: (request) => fetchToken({ transport, endpoint }, request),
  });
  const hops: Hop[] = [];

  async function ask({ method, url: typed, headers = {}, body, scopes }: Question): Promise<Reply> {
    const url = new URL(typed, endpoint.origin);
    const isOwn = scopes !== undefined && url.origin === endpoint.origin;
    const send = (authorization: string | undefined) =>
      transport.exchange({
        ...{ method, url, body, idleMs },
        headers: { ...headers, ...(authorization !== undefined && { Authorization: authorization }) },
      });
    const shown = isOwn ? await authorizer.header(scopes) : undefined;
    const first = await read(await send(shown), url);
    if (first.status !== 401 || !isOwn) return first;
    const next = await authorizer.answer(first.headers['www-authenticate'], { scopes, shown });
    return next === undefined ? first : read(await send(next), url);
  }

  async function read(answer: WireAnswer, url: URL): Promise<Reply> {
    const bytes = await readBytes(answer, url, transport);
    const { status, headers } = answer;
    for (const hop of recognizeHops({ headers })) {
      if (!hops.some(({ name }) => name === hop.name)) hops.push(hop);
    }
    return { status, headers, bytes, text: new TextDecoder().decode(bytes.subarray(0, 4096)), url };
  }

  return { endpoint, hops, ask, close: transport.close };
}
