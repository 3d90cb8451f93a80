import { ExitError } from '../../exit-error.ts';
import { isLoopbackName } from '../../loopback.ts';
import type { Credentials } from '../credentials/credentials.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Challenge } from './challenge.ts';
import { toRefusedError } from './refused-error.ts';
import { readText } from './small-body.ts';
import type { Transport } from './transport.ts';

/** What a token server gives. */
export interface IssuedToken {
  readonly token: string;
  readonly expiresMs: number;
  /** Gets tokens later without the password; only where it was asked for, and not from every registry. */
  readonly refreshToken: string | undefined;
}

/** What is asked of a token server. */
export interface TokenRequest {
  /** The challenge of the registry, of the scheme `bearer`. */
  readonly challenge: Challenge;
  readonly scopes: readonly string[];
  readonly credentials: Exclude<Credentials, { readonly kind: 'registry' }> | undefined;
  /** Asks for a refresh token, too. */
  readonly isLogin?: boolean;
}

const clientId = 'moorage';
/** What the specification says of a token that does not say it. */
const defaultTtlSeconds = 60;
/** A token this near to its end is not used any more. */
const marginMs = 10_000;

/** Gets a token where the challenge says (docker token specification). Rejects with a `RefusedError`, or an `ExitError` where a password would go out in the clear. */
export async function fetchToken(
  { transport, endpoint }: { readonly transport: Transport; readonly endpoint: Endpoint },
  { challenge, scopes, credentials, isLogin }: TokenRequest,
): Promise<IssuedToken> {
  const url = realmOf(challenge, endpoint);
  const { service } = challenge.parameters;
  const answer =
    credentials?.kind === 'identity'
      ? await transport.exchange(refreshRequest(url, { service, scopes, token: credentials.token }))
      : await transport.exchange(getRequest(url, { service, scopes, credentials, isLogin: isLogin === true }));
  const text = await readText(answer, url, transport);
  const { status, headers } = answer;
  if (status !== 200) {
    const hint = status === 401 ? `Log in again: moorage login ${endpoint.host}` : undefined;
    throw toRefusedError({ status, headers, text }, { endpoint, doing: 'give a token', hint });
  }
  return parseToken(text, url);
}

/** Where a token server is. Passwords are never sent over http unless the registry is spoken to in it and the way is short or was asked for. */
function realmOf({ parameters }: Challenge, { host, origin, plainHttp }: Endpoint): URL {
  const realm = parameters['realm'] ?? '';
  if (!URL.canParse(realm))
    throw new ExitError(`${host} does not say where to log in: its realm is ${JSON.stringify(realm)}.`);
  const url = new URL(realm);
  const mayBePlain = origin.startsWith('http:') && (plainHttp || isLoopbackName(url.hostname));
  if (url.protocol === 'https:' || (url.protocol === 'http:' && mayBePlain)) return url;
  throw new ExitError(
    `${host} sends logins to ${url.origin}, which is not https: nothing was sent there. Its public URL (the realm) must say https.`,
  );
}

interface Asked {
  readonly service: string | undefined;
  readonly scopes: readonly string[];
}

function getRequest(
  realm: URL,
  asked: Asked & { readonly credentials: TokenRequest['credentials']; readonly isLogin: boolean },
) {
  const { service, scopes, credentials, isLogin } = asked;
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (credentials?.kind === 'password') {
    url.searchParams.set('account', credentials.username);
    headers['Authorization'] = basicHeader(credentials);
  }
  if (isLogin) {
    url.searchParams.set('client_id', clientId);
    url.searchParams.set('offline_token', 'true');
  }
  return { method: 'GET', url, headers };
}

function refreshRequest(url: URL, { service, scopes, token }: Asked & { readonly token: string }) {
  const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: clientId, refresh_token: token });
  if (service !== undefined) form.set('service', service);
  if (scopes.length > 0) form.set('scope', scopes.join(' '));
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' };
  return { method: 'POST', url, headers, body: new TextEncoder().encode(form.toString()) };
}

/** `Basic …` */
export function basicHeader({ username, password }: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function parseToken(text: string, { host }: URL): IssuedToken {
  const document = parse(text);
  const token = document['token'] ?? document['access_token'];
  // Anything else could not stand in a header.
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    throw new ExitError(`${host} gave no token: its answer is not one of a token server.`);
  }
  const seconds = document['expires_in'];
  const refreshToken = document['refresh_token'];
  const ttlMs = 1000 * (typeof seconds === 'number' && seconds > 0 ? seconds : defaultTtlSeconds);
  return {
    token,
    expiresMs: Date.now() + Math.max(ttlMs - marginMs, ttlMs / 2),
    refreshToken: typeof refreshToken === 'string' && refreshToken !== '' ? refreshToken : undefined,
  };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {}; // not JSON
  }
}
