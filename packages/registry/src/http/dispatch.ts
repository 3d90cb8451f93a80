import { OciError } from '../oci/error.ts';
import { toOciError } from '../registry/needs.ts';
import type { Sources } from '../registry/settings.ts';
import type { Deps } from './endpoint.ts';
import { json } from './headers.ts';
import { createMatcher, splitTarget } from './match.ts';
import { DisconnectedError, type RegistryRequest, type RegistryResponse } from './message.ts';
import { routes } from './routes.ts';

/** One request, told once its answer is decided. */
export interface RequestReport {
  /** Also in the answer's `X-Request-Id`. */
  readonly requestId: string;
  readonly method: string;
  readonly target: string;
  readonly status: number;
  readonly durationMs: number;
  /** Why it was refused, or what went wrong. */
  readonly error: Error | undefined;
}

/** Whom the registry tells of requests and faults. */
export interface Reports {
  onRequest?(report: RequestReport): void;
  /** A fault of the registry's own: a bug, or a host that fails. */
  onError?(error: Error, request: Pick<RequestReport, 'requestId' | 'method' | 'target'>): void;
}

/** What dispatch is made of. */
export interface DispatchOptions extends Reports {
  /** Where `/v2/` lies. */
  readonly path: string;
  readonly sources: Sources;
}

/** Answers every request; it never rejects. The only place where an error becomes a status. */
export function createDispatch(
  deps: Deps,
  options: DispatchOptions,
): (request: RegistryRequest) => Promise<RegistryResponse> {
  const match = createMatcher(routes, options.path);
  const { sources, onRequest, onError } = options;

  async function answer(request: RegistryRequest): Promise<RegistryResponse> {
    const { method, target, headers, body } = request;
    const { path, query } = splitTarget(target);
    const { route, params } = match(request, path);
    return route.handle(deps, undefined, {
      params,
      query: new URLSearchParams(query),
      isHead: method === 'HEAD',
      headers,
      body,
      // Adapters make the signal when it is asked for, and most requests never do.
      get signal() {
        return request.signal;
      },
    });
  }

  return async (request) => {
    const { method, target } = request;
    const startedMs = sources.now();
    const requestId = sources.randomId();
    let response: RegistryResponse;
    let error: Error | undefined;
    try {
      response = await answer(request);
    } catch (thrown) {
      const refusal = toRefusal(thrown, request);
      const isFault = refusal.code === 'UNKNOWN';
      error = isFault && refusal.cause instanceof Error ? refusal.cause : refusal;
      const fault = error;
      if (isFault) tell(() => onError?.(fault, { requestId, method, target }));
      response = json(refusal.status, refusal, refusal.headers);
    }
    const { status } = response;
    tell(() => onRequest?.({ requestId, method, target, status, durationMs: sources.now() - startedMs, error }));
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

/** Tells the application; a listener that throws is its fault and not the request's. */
function tell(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}

/** What a client is told of an error. Anything unexpected is a bug, of which nothing is shown. */
function toRefusal(thrown: unknown, { signal }: Pick<RegistryRequest, 'signal'>): OciError {
  const error = toOciError(thrown);
  if (error instanceof OciError) return error;
  // Nobody reads this answer; the log does.
  if (error instanceof DisconnectedError || (signal.aborted && error === signal.reason)) {
    return new OciError('SIZE_INVALID', 'The client went away before the request was done.', { cause: error });
  }
  return new OciError('UNKNOWN', undefined, { cause: error });
}
