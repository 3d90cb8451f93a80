import type { JWTPayload } from 'jose';
import { OciError } from '../oci/error.ts';
import { parseRepositoryName } from '../oci/name.ts';
import { type Keys, signingAlgorithm } from './keys.ts';
import { joseLoader } from './load-jose.ts';
import { parseActions, type RepositoryScope } from './scope.ts';
import { UnauthorizedError } from './unauthorized.ts';
import { rememberVerified, type VerifiedToken } from './verified-tokens.ts';

/** Who a token speaks for, and how far it reaches: a token never widens what its identity may do. */
export interface TokenClaims {
  /** Undefined: nobody, as for public pulls. */
  readonly identity: string | undefined;
  /** Repositories and actions that were granted when it was made; a refused one has no actions. */
  readonly scopes: readonly RepositoryScope[];
  /** Whether it is good for the catalog (`registry:catalog:*`), too. Default: no. */
  readonly reachesCatalog?: boolean | undefined;
  /** The access token or robot that it was made for: when that is revoked, so is this. */
  readonly accessToken: string | undefined;
  /** What the application was shown, such as an API key, by an id of its own. */
  readonly credential?: string | undefined;
}

/** What a token says that was verified. */
export interface VerifiedClaims extends TokenClaims {
  /** When it was made, to the second; undefined: it does not say. */
  readonly issuedMs: number | undefined;
}

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

/** Clocks may differ by so much, in seconds. */
export const leewaySeconds = 60;

const loadJose = joseLoader();

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
      isKey: async (id) => (await keys.findPublic(id)) !== undefined,
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
    const findKey = async ({ kid }: { kid?: string }) => {
      const key = kid === undefined ? undefined : await keys.findPublic(kid);
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
      keyId: protectedHeader.kid,
      ...readTimes(payload),
    };
  } catch (cause) {
    if (!(cause instanceof errors.JOSEError)) throw cause;
    const isOld = cause instanceof errors.JWTExpired;
    const message = isOld ? 'The token has expired: get a new one.' : 'The token is not one of this registry.';
    throw new UnauthorizedError(message, { cause });
  }
}

/** When a token was made, in ms since 1970. */
export function readIssued({ iat }: JWTPayload): number | undefined {
  return iat === undefined ? undefined : iat * 1000;
}

/** When a token is good, in ms since 1970, with the leeway. */
export function readTimes({ nbf = 0, exp = 0 }: JWTPayload): Pick<VerifiedToken, 'fromMs' | 'untilMs'> {
  return { fromMs: (nbf - leewaySeconds) * 1000, untilMs: (exp + leewaySeconds) * 1000 };
}

const catalogAccess = { type: 'registry', name: 'catalog', actions: ['*'] };

/** True where the `access` claim of a token names the catalog. */
export function readCatalog(access: unknown): true | undefined {
  const isNamed = ({ type, name, actions }: Record<string, unknown>) =>
    type === 'registry' && name === 'catalog' && Array.isArray(actions) && actions.includes('*');
  return Array.isArray(access) && access.some((entry) => isNamed(Object(entry))) ? true : undefined;
}

/** The `access` claim of a token whose signature was verified. An entry that is of another kind, or that cannot be read, narrows to nothing. */
export function readScopes(access: unknown): readonly RepositoryScope[] {
  return Array.isArray(access) ? access.flatMap(readScope) : [];
}

function readScope(entry: unknown): readonly RepositoryScope[] {
  if (typeof entry !== 'object' || entry === null) return [];
  if (!('type' in entry && 'name' in entry && 'actions' in entry)) return [];
  const { type, name, actions } = entry;
  if (type !== 'repository' || typeof name !== 'string' || !Array.isArray(actions)) return [];
  try {
    return [{ type, name: parseRepositoryName(name), actions: parseActions(actions) }];
  } catch (error) {
    // A name that no repository here can have.
    if (error instanceof OciError) return [];
    throw error;
  }
}
