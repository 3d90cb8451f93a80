import { anonymous, type Caller, type Identity } from '../access/identity.ts';
import { OciError } from '../oci/error.ts';
import type { Sources } from '../registry/settings.ts';
import { auditEntry } from './audit.ts';
import { parseCredentials } from './credentials.ts';
import type { Deps } from './endpoint.ts';
import { createMatcher, type Match, splitTarget } from './match.ts';
import type { RegistryRequest, RegistryResponse } from './message.ts';
import { createRefuse, type Refused } from './refuse.ts';
import { type Reports, tell } from './reports.ts';
import { routes } from './routes.ts';

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

/** Answers every request; it never rejects. The only place where an error becomes a status. */
export function createDispatch(
  deps: Deps,
  options: DispatchOptions,
): (request: RegistryRequest) => Promise<RegistryResponse> {
  const match = createMatcher(routes, options.path);
  const refuse = createRefuse(deps.challenger, options);
  const { sources, limit, onRequest } = options;

  async function answer(request: RegistryRequest, course: Course): Promise<RegistryResponse> {
    const { method, target, headers, body, address } = request;
    const { path, query } = splitTarget(target);
    const found = match(request, path);
    course.match = found;
    const { route, params } = found;
    const limited = { address, end: route.end, method };
    if (limit !== undefined) await checkLimit(limit, { ...limited, stage: 'arrived', identity: undefined });
    // An endpoint that gives tokens reads what is shown by itself.
    const caller = route.action === 'none' ? anonymous : await deps.callers.find(parseCredentials(headers), address);
    course.caller = caller;
    if (limit !== undefined) await checkLimit(limit, { ...limited, stage: 'identified', identity: caller.identity });
    return route.handle(deps, caller, {
      params,
      query: new URLSearchParams(query),
      isHead: method === 'HEAD',
      headers,
      body,
      address,
      // Adapters make the signal when it is asked for, and most requests never do.
      get signal() {
        return request.signal;
      },
    });
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
    let response: RegistryResponse;
    let refused: Refused | undefined;
    try {
      response = await answer(request, course);
    } catch (thrown) {
      refused = refuse(thrown, request, requestId);
      response = refused.response;
    }
    const entry = auditEntry({ match: course.match, caller: course.caller, address, refusal: refused?.refusal });
    if (entry !== undefined) deps.audit.record(entry);
    const { status } = response;
    const durationMs = sources.now() - startedMs;
    tell(() => onRequest?.({ requestId, method, target, status, durationMs, error: refused?.error }));
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
