import { anonymous, type Caller, type Identity } from '../access/identity.ts';
import { OciError } from '../oci/error.ts';
import type { Sources } from '../registry/settings.ts';
import type { Bytes } from '../storage/blob-store.ts';
import { auditEntry } from './audit.ts';
import { parseCredentials } from './credentials.ts';
import type { Deps, RouteRequest } from './endpoint.ts';
import { createMatcher, type Match, splitTarget } from './match.ts';
import type { RegistryRequest, RegistryResponse, RequestHeaders } from './message.ts';
import { createRefuse, type Refused } from './refuse.ts';
import { type Reports, tell } from './reports.ts';
import { type Route, routes } from './routes.ts';

/** A request that may be told to come later. */
export interface LimitRequest {
  /** It is asked twice: when a request arrived, before anything is done for it; and when it is known who sent it, which may be nobody. */
  readonly stage: 'arrived' | 'identified';
  /** Undefined: nobody, or it is not known yet. */
  readonly identity: Identity | undefined;
  readonly address: string | undefined;
  /** Id of the endpoint in the specification, such as `end-7`. */
  readonly end: string;
  readonly method: string;
}

/** Seconds after which the client may try again; undefined: now. */
type Limit = NonNullable<DispatchOptions['limit']>;

/** What dispatch is made of. */
export interface DispatchOptions extends Reports {
  /** Seconds after which the client may try again (429); undefined: now. */
  limit?(request: LimitRequest): number | undefined | Promise<number | undefined>;
  /** Where `/v2/` lies. */
  readonly path: string;
  readonly sources: Sources;
}

/** Who came to which endpoint, as far as it became known. */
interface Course {
  match?: Match;
  caller?: Caller;
}

/** A request with its route found. A class, because V8 makes a new shape, which only a full collection takes away, for each literal that has getters. */
class RoutedRequest implements RouteRequest {
  readonly params: RouteRequest['params'];
  readonly headers: RequestHeaders;
  readonly isHead: boolean;
  readonly #request: RegistryRequest;
  readonly #query: string;

  constructor(request: RegistryRequest, params: RouteRequest['params'], query: string) {
    this.params = params;
    this.headers = request.headers;
    this.isHead = request.method === 'HEAD';
    this.#request = request;
    this.#query = query;
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.#query);
  }

  get body(): Bytes {
    return this.#request.body;
  }

  get address(): string | undefined {
    return this.#request.address;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }
}

/** Answers every request; it never rejects. The only place where an error becomes a status. */
export function createDispatch(
  deps: Deps,
  options: DispatchOptions,
): (request: RegistryRequest) => Promise<RegistryResponse> {
  const match = createMatcher(routes, options.path);
  const refuse = createRefuse(deps.challenger, options);
  const { sources, limit, onRequest } = options;

  async function answer(request: RegistryRequest, course: Course): Promise<RegistryResponse> {
    const { method } = request;
    const { path, query } = splitTarget(request.target);
    const found = match(request, path);
    course.match = found;
    const { route, params } = found;
    const about = { end: route.end, method };
    if (limit !== undefined) {
      await checkLimit(limit, { ...about, stage: 'arrived', identity: undefined, address: request.address });
    }
    const caller = await findCaller(route, request);
    course.caller = caller;
    if (limit !== undefined) {
      await checkLimit(limit, { ...about, stage: 'identified', identity: caller.identity, address: request.address });
    }
    return route.handle(deps, caller, new RoutedRequest(request, params, query));
  }

  /** An endpoint that gives tokens reads what is shown by itself. */
  function findCaller(route: Route, { headers, address }: RegistryRequest): Caller | Promise<Caller> {
    return route.action === 'none' ? anonymous : deps.callers.find(parseCredentials(headers), address);
  }

  /** Most requests are routine: they were answered, and are none that the audit tells of. */
  function record(request: RegistryRequest, { match, caller }: Course, refused: Refused | undefined): void {
    if (refused === undefined && match?.route.audit === undefined) return;
    const entry = auditEntry({ match, caller, address: request.address, refusal: refused?.refusal });
    if (entry !== undefined) deps.audit.record(entry);
  }

  async function checkLimit(ask: Limit, request: LimitRequest): Promise<void> {
    const seconds = await ask(request);
    if (seconds === undefined) return;
    const retryAfter = String(Math.max(1, Math.ceil(seconds)));
    throw new OciError('TOOMANYREQUESTS', `Too many requests. Try again in ${retryAfter} seconds.`, {
      headers: { 'Retry-After': retryAfter },
    });
  }

  return async (request) => {
    const { method, target, address } = request;
    const startedMs = sources.now();
    const requestId = sources.randomId();
    const course: Course = {};
    let refused: Refused | undefined;
    const response = await answer(request, course).catch((thrown: unknown) => {
      refused = refuse(thrown, request, requestId);
      return refused.response;
    });
    record(request, course, refused);
    const { status } = response;
    if (onRequest !== undefined) {
      const durationMs = sources.now() - startedMs;
      const who = { address, identity: course.caller?.identity?.id };
      tell(() => onRequest({ requestId, method, target, ...who, status, durationMs, error: refused?.error }));
    }
    return {
      status,
      headers: {
        ...response.headers,
        'Docker-Distribution-Api-Version': 'registry/2.0',
        'X-Content-Type-Options': 'nosniff',
        'X-Request-Id': requestId,
      },
      body: method === 'HEAD' ? { kind: 'empty' } : response.body,
    };
  };
}
