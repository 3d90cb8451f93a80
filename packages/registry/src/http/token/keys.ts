import type { Endpoint } from '../endpoint.ts';
import { json } from '../headers.ts';

/** The public keys that tokens of this registry are signed with, as a JWKS (RFC 7517). */
export const getKeys: Endpoint = async ({ keys }) =>
  json(200, await keys.jwks(), { 'Content-Type': 'application/jwk-set+json' });
