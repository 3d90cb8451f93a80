import type { Credentials } from '../credentials/credentials.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { basicHeader, type IssuedToken, type TokenRequest } from './tokens.ts';

/** Knows what to show a registry, from what it asked for before. */
export interface Authorizer {
  /** `Authorization` for what needs these scopes; `undefined` while the registry has asked for nothing. */
  header(scopes: readonly string[]): Promise<string | undefined>;
  /** The next thing to show after a 401 to who showed `shown`; `undefined` when there is nothing else. */
  answer(
    challenge: string | undefined,
    asked: { scopes: readonly string[]; shown: string | undefined },
  ): Promise<string | undefined>;
  /** Whether there are credentials, once the registry has asked for some. */
  hasCredentials(): Promise<boolean>;
}

type Mode =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic' }
  | { readonly kind: 'bearer'; readonly challenge: Challenge };

/** Credentials are looked for once, when they are first wanted. Tokens are kept for each set of scopes until they end; requests at the same time share one. */
export function createAuthorizer(needs: {
  readonly findCredentials: () => Promise<Credentials | undefined>;
  readonly fetchToken: (request: TokenRequest) => Promise<IssuedToken>;
}): Authorizer {
  let mode: Mode = { kind: 'none' };
  let found: Promise<Credentials | undefined> | undefined;
  const tokens = new Map<string, Promise<IssuedToken>>();
  const credentials = () => {
    found ??= needs.findCredentials();
    return found;
  };

  /** A fresh token, kept under `key`. */
  async function bearer(challenge: Challenge, scopes: readonly string[], key: string): Promise<string> {
    const known = await credentials();
    if (known?.kind === 'registry') return `Bearer ${known.token}`;
    const fetched = needs.fetchToken({ challenge, scopes, credentials: known });
    tokens.set(key, fetched);
    fetched.catch(() => tokens.get(key) === fetched && tokens.delete(key));
    return `Bearer ${(await fetched).token}`;
  }

  async function header(scopes: readonly string[]): Promise<string | undefined> {
    if (mode.kind === 'none') return undefined;
    const known = await credentials();
    if (mode.kind === 'basic') return known?.kind === 'password' ? basicHeader(known) : undefined;
    const key = keyOf(scopes);
    const kept = await tokens.get(key);
    if (kept !== undefined && kept.expiresMs > Date.now()) return `Bearer ${kept.token}`;
    return bearer(mode.challenge, scopes, key);
  }

  return {
    header,
    async answer(challenge, { scopes, shown }) {
      const challenges = parseChallenges(challenge);
      const asked =
        challenges.find(({ scheme }) => scheme === 'bearer') ?? challenges.find(({ scheme }) => scheme === 'basic');
      if (asked === undefined) return undefined;
      mode = asked.scheme === 'basic' ? { kind: 'basic' } : { kind: 'bearer', challenge: asked };
      const next = mode.kind === 'basic' ? await header(scopes) : await nextToken(asked, scopes, shown);
      return next === shown ? undefined : next;
    },
    async hasCredentials() {
      return (await credentials()) !== undefined;
    },
  };

  /** Another request may have got a token for the same scopes meanwhile. */
  async function nextToken(asked: Challenge, scopes: readonly string[], shown: string | undefined): Promise<string> {
    const kept = await tokens.get(keyOf(scopes));
    const isNew = kept !== undefined && kept.expiresMs > Date.now() && `Bearer ${kept.token}` !== shown;
    return isNew ? `Bearer ${kept.token}` : bearer(asked, union(scopes, asked), keyOf(scopes));
  }
}

function keyOf(scopes: readonly string[]): string {
  return scopes.toSorted().join(' ');
}

/** What this request needs, and what the registry says that it needs. */
function union(scopes: readonly string[], { parameters }: Challenge): readonly string[] {
  return [...new Set([...scopes, ...(parameters['scope'] ?? '').split(' ')])].filter((scope) => scope !== '');
}
