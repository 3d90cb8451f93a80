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
    const { method, target, headers, body, signal } = request;
    const { path, query } = splitTarget(target);
    const { route, params } = match(request, path);
    const routed = { params, query: new URLSearchParams(query), headers, body, signal, isHead: method === 'HEAD' };
    return route.handle(deps, undefined, routed);
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
      const refusal = toRefusal(thrown, request.signal);
      const isFault = refusal.code === 'UNKNOWN';
      error = isFault && refusal.cause instanceof Error ? refusal.cause : refusal;
      if (isFault) onError?.(error, { requestId, method, target });
      response = json(refusal.status, refusal, refusal.headers);
    }
    onRequest?.({ requestId, method, target, status: response.status, durationMs: sources.now() - startedMs, error });
    return {
      status: response.status,
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

/** What a client is told of an error. Anything unexpected is a bug, of which nothing is shown. */
function toRefusal(thrown: unknown, signal: AbortSignal): OciError {
  const error = toOciError(thrown);
  if (error instanceof OciError) return error;
  if (error instanceof DisconnectedError || signal.aborted)
    return new OciError('SIZE_INVALID', 'The body ended before its announced length; what arrived is kept.', {
      cause: error,
    });
  return new OciError('UNKNOWN', undefined, { cause: error });
}
