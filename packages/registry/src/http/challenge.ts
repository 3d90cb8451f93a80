import { formatScope } from '../access/scope.ts';
import type { UnauthorizedError } from '../access/unauthorized.ts';
import type { ResponseHeaders } from './message.ts';

/** Where clients get tokens. */
export interface Challenger {
  readonly service: string;
  /** Absolute URL of the token endpoint, for a request that came to `origin`. */
  realm(origin: string | undefined): string;
  /** False: a token server outside makes them, and there is no token endpoint here. */
  readonly isOwn: boolean;
}

/** The challenge of a 401 (docker token specification, "Requesting a Token"): clients that know docker want `Bearer`, and take a token for what is named. */
export function challengeHeaders(
  error: UnauthorizedError,
  { service, realm }: Challenger,
  origin: string | undefined,
): ResponseHeaders {
  const fields = [`realm="${realm(origin)}"`, `service="${service}"`];
  const scopes = [...error.scopes.map(formatScope), ...(error.wantsCatalog ? ['registry:catalog:*'] : [])];
  if (scopes.length > 0) fields.push(`scope="${scopes.join(' ')}"`);
  if (error.isInsufficient) fields.push('error="insufficient_scope"');
  return { 'WWW-Authenticate': `Bearer ${fields.join(',')}` };
}
