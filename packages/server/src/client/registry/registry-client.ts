import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { ExitError } from '../../exit-error.ts';
import type { Credentials } from '../credentials/credentials.ts';
import type { Endpoint } from '../endpoint.ts';
import { type Authorizer, createAuthorizer } from '../http/authorizer.ts';
import { toRefusedError } from '../http/refused-error.ts';
import { retrying, type Sleep, sleepForReal } from '../http/retry.ts';
import { readBytes, readText } from '../http/small-body.ts';
import { fetchToken } from '../http/tokens.ts';
import { createTransport, type StreamedBody, type WireAnswer } from '../http/transport.ts';

/** A request to a registry. */
export interface RegistryRequest {
  readonly method: string;
  /** A path of the registry, or where it said to go. */
  readonly url: string | URL;
  /** What the request needs, such as `repository:acme/web:pull,push`. */
  readonly scopes: readonly string[];
  /** Statuses that are an answer; all others are a `RefusedError`. */
  readonly accepts: readonly number[];
  /** What is being done, for people: begins with a verb. */
  readonly doing: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamedBody;
  readonly idleMs?: number;
}

/** An answer whose body is small, and read. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Uint8Array;
  /** Where it came from, which `Location` is relative to. */
  readonly url: URL;
}

/** An answer whose body is read, or destroyed, by who gets it. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly stream: IncomingMessage;
  /** What an error of the stream means to people. */
  explain(error: unknown): Promise<unknown>;
}

/** Talks to one registry: shows it who asks, follows where it sends, and says what went wrong. */
export interface RegistryClient {
  readonly host: string;
  readonly origin: string;
  readonly sleep: Sleep;
  /** The answer, after some tries where a connection broke or the registry was busy. */
  request(request: RegistryRequest): Promise<Answer>;
  /** The answer to one try. */
  requestOnce(request: RegistryRequest): Promise<Answer>;
  /** The answer, likewise to one try, as soon as its head is here. */
  open(request: RegistryRequest): Promise<OpenAnswer>;
  /** Ends idle connections. */
  close(): void;
}

/** What a client needs. */
export interface ClientNeeds {
  readonly endpoint: Endpoint;
  readonly findCredentials: () => Promise<Credentials | undefined>;
  readonly sleep?: Sleep;
}

const mostRedirects = 5;
const redirectStatuses = [301, 302, 303, 307, 308];

/** Makes a client; nothing is sent before its first request. */
export function createRegistryClient({ endpoint, findCredentials, sleep = sleepForReal }: ClientNeeds): RegistryClient {
  const transport = createTransport(endpoint);
  const authorizer = createAuthorizer({
    findCredentials,
    fetchToken: (request) => retrying(() => fetchToken({ transport, endpoint }, request), sleep),
  });

  /** One request, and after a 401 the same with what was asked for. */
  async function authorized(request: RegistryRequest, url: URL): Promise<WireAnswer> {
    const { method, scopes, headers = {}, body, idleMs } = request;
    // What is shown to a registry is not for whom it sends its clients to.
    const isOwn = url.origin === endpoint.origin;
    const shown = isOwn ? await authorizer.header(scopes) : undefined;
    const send = (authorization: string | undefined) =>
      transport.exchange({
        method,
        url,
        headers: { ...headers, ...(authorization !== undefined && { Authorization: authorization }) },
        body,
        idleMs,
      });
    const answer = await send(shown);
    if (answer.status !== 401 || !isOwn) return answer;
    const next = await authorizer.answer(answer.headers['www-authenticate'], { scopes, shown });
    if (next === undefined) return answer;
    await readBytes(answer, url, transport);
    return send(next);
  }

  async function follow(request: RegistryRequest): Promise<WireAnswer & { readonly url: URL }> {
    let url = new URL(request.url, endpoint.origin);
    for (let redirects = 0; ; redirects += 1) {
      const answer = await authorized(request, url);
      if (!redirectStatuses.includes(answer.status) || !['GET', 'HEAD'].includes(request.method))
        return { ...answer, url };
      answer.stream.destroy();
      url = nextUrl(endpoint, answer, { url, redirects });
    }
  }

  async function open(request: RegistryRequest) {
    const answer = await follow(request);
    if (request.accepts.includes(answer.status)) return answer;
    const { status, headers, url } = answer;
    const text = await readText(answer, url, transport);
    const hint = status === 401 ? await loginHint(endpoint, authorizer) : undefined;
    throw toRefusedError({ status, headers, text }, { endpoint, doing: request.doing, hint });
  }

  async function requestOnce(request: RegistryRequest): Promise<Answer> {
    const answer = await open(request);
    const { status, headers, url } = answer;
    return { status, headers, url, bytes: await readBytes(answer, url, transport) };
  }

  return {
    host: endpoint.host,
    origin: endpoint.origin,
    sleep,
    requestOnce,
    request: (request) => retrying(() => requestOnce(request), sleep),
    async open(request) {
      const { status, headers, stream, url } = await open(request);
      return { status, headers, stream, explain: (error) => transport.explain(error, url) };
    },
    close: transport.close,
  };
}

async function loginHint({ host }: Endpoint, authorizer: Authorizer): Promise<string> {
  if (await authorizer.hasCredentials()) return `The login that was shown is not enough: moorage login ${host}`;
  return `Log in first: moorage login ${host}`;
}

/** Where an answer to a question sends; never from https to http, and not for ever. */
function nextUrl({ host }: Endpoint, { headers }: WireAnswer, from: { url: URL; redirects: number }): URL {
  const { location } = headers;
  if (location === undefined || !URL.canParse(location, from.url) || from.redirects >= mostRedirects) {
    throw new ExitError(`${host} sends from ${from.url.pathname} to nowhere, or in circles.`);
  }
  const next = new URL(location, from.url);
  if (next.protocol === 'https:' || (next.protocol === 'http:' && from.url.protocol === 'http:')) return next;
  throw new ExitError(`${host} sends from https to ${next.origin}, which is not: nothing was asked there.`);
}
