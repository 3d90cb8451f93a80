import { UnauthorizedError } from '../access/unauthorized.ts';
import { OciError } from '../oci/error.ts';
import { toOciError } from '../registry/needs.ts';
import { type Challenger, challengeHeaders } from './challenge.ts';
import { json } from './headers.ts';
import { DisconnectedError, type RegistryRequest, type RegistryResponse } from './message.ts';
import { type Reports, tell } from './reports.ts';

/** A request that was refused, or that failed. */
export interface Refused {
  readonly refusal: OciError;
  /** What the log is told: the refusal, or behind a fault its cause. */
  readonly error: Error;
  readonly response: RegistryResponse;
}

/** Makes an answer of whatever an endpoint throws; a fault of the registry's own is told to `onError`. */
export function createRefuse(
  challenger: Challenger,
  { onError }: Reports,
): (thrown: unknown, request: RegistryRequest, requestId: string) => Refused {
  return (thrown, request, requestId) => {
    const { method, target, origin } = request;
    const refusal = toRefusal(thrown, request);
    const isFault = refusal.code === 'UNKNOWN';
    const error = isFault && refusal.cause instanceof Error ? refusal.cause : refusal;
    if (isFault) tell(() => onError?.(error, { requestId, method, target }));
    const challenge = refusal instanceof UnauthorizedError ? challengeHeaders(refusal, challenger, origin) : {};
    return { refusal, error, response: json(refusal.status, refusal, { ...refusal.headers, ...challenge }) };
  };
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
