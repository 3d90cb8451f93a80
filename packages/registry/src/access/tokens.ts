import { type Keys, signingAlgorithm } from './keys.ts';
import { loadJose } from './load-jose.ts';
import {
  leewaySeconds,
  readCatalog,
  readIssued,
  readScopes,
  readTimes,
  type TokenClaims,
  type VerifiedClaims,
} from './token-claims.ts';
import { UnauthorizedError } from './unauthorized.ts';
import { rememberVerified, type VerifiedToken } from './verified-tokens.ts';

/** A token that was just made (docker token specification, "Token Response Fields"). */
export interface IssuedToken {
  readonly token: string;
  readonly expiresInSeconds: number;
  readonly issuedMs: number;
}

/** Bearer tokens of this registry. */
export interface Tokens {
  issue(claims: TokenClaims): Promise<IssuedToken>;
  /** What a token says; `UnauthorizedError` for one that is forged, past its time, or of another registry. */
  verify(token: string): Promise<VerifiedClaims>;
}

/** How tokens of this registry are told from those of others, and how long they live. */
export interface TokenSettings {
  /** Less than 60 counts as 60. */
  readonly ttlSeconds: number;
  /** Audience and issuer: the registry's own name. */
  readonly service: string;
}

/** Clients take a token that lives shorter for one that lives so long (docker token specification, "Token Response Fields"). */
const minimumTtlSeconds = 60;

export function createTokens(
  keys: Keys,
  settings: TokenSettings,
  sources: { now(): number; randomId(): string },
): Tokens {
  const { service } = settings;
  const ttlSeconds = Math.max(settings.ttlSeconds, minimumTtlSeconds);
  return {
    async issue({ identity, scopes, reachesCatalog = false, accessToken, credential }) {
      const { SignJWT } = await loadJose();
      const { id, privateKey } = await keys.current();
      const issuedMs = sources.now();
      const issued = Math.floor(issuedMs / 1000);
      const access = [
        ...scopes.map(({ type, name, actions }) => ({ type, name, actions })),
        ...(reachesCatalog ? [catalogAccess] : []),
      ];
      const shown = { access_token: accessToken, credential };
      const token = await new SignJWT({ access, ...shown })
        .setProtectedHeader({ alg: signingAlgorithm, kid: id, typ: 'JWT' })
        .setIssuer(service)
        .setAudience(service)
        .setSubject(identity ?? '')
        .setIssuedAt(issued)
        .setNotBefore(issued)
        .setExpirationTime(issued + ttlSeconds)
        .setJti(sources.randomId())
        .sign(privateKey);
      return { token, expiresInSeconds: ttlSeconds, issuedMs };
    },
    verify: rememberVerified({
      verify: (token) => verify(token, { keys, service, now: sources.now }),
      now: sources.now,
    }),
  };
}

/** What a token says whose signature, audience and time are good. */
async function verify(
  token: string,
  { keys, service, now }: { readonly keys: Keys; readonly service: string; now(): number },
): Promise<VerifiedToken> {
  const { errors, jwtVerify } = await loadJose();
  try {
    // The key comes from our set by its id alone, whatever else a header names: jwk, jku and x5c are never looked at (CVE-2025-24976).
    const findKey = async ({ kid = '' }: { kid?: string }) => {
      const key = await keys.findPublic(kid);
      if (key === undefined) throw new errors.JWKSNoMatchingKey();
      return key;
    };
    const { payload, protectedHeader } = await jwtVerify(token, findKey, {
      algorithms: [signingAlgorithm],
      issuer: service,
      audience: service,
      clockTolerance: leewaySeconds,
      currentDate: new Date(now()),
      requiredClaims: ['exp', 'nbf', 'sub', 'jti'],
    });
    const { kid = '' } = protectedHeader;
    const { sub = '', access, access_token: accessToken, credential } = payload;
    return {
      claims: {
        identity: sub === '' ? undefined : sub,
        scopes: readScopes(access),
        reachesCatalog: readCatalog(access),
        accessToken: typeof accessToken === 'string' ? accessToken : undefined,
        credential: typeof credential === 'string' ? credential : undefined,
        issuedMs: readIssued(payload),
      },
      isKeyKept: async () => (await keys.findPublic(kid)) !== undefined,
      ...readTimes(payload),
    };
  } catch (cause) {
    if (!(cause instanceof errors.JOSEError)) throw cause;
    const isOld = cause instanceof errors.JWTExpired;
    const message = isOld ? 'The token has expired: get a new one.' : 'The token is not one of this registry.';
    throw new UnauthorizedError(message, { cause });
  }
}

const catalogAccess = { type: 'registry', name: 'catalog', actions: ['*'] };
