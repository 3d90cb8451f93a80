import { X509Certificate } from 'node:crypto';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { loadJose } from './load-jose.ts';
import { leewaySeconds, readCatalog, readIssued, readScopes, readTimes } from './token-claims.ts';
import type { Tokens } from './tokens.ts';
import { UnauthorizedError } from './unauthorized.ts';
import { rememberVerified, type VerifiedToken } from './verified-tokens.ts';

/** A token server in the place of the registry's own. */
export interface TokenServer {
  /** Absolute URL at which clients get tokens. */
  readonly realm: string;
  /** Audience of the tokens. */
  readonly service: string;
  readonly issuer: string;
  /** Public keys: a JWKS (RFC 7517), or certificates in PEM, newest first. */
  readonly keys:
    | { readonly jwks: { readonly keys: readonly Record<string, unknown>[] } }
    | { readonly certificates: readonly string[] };
}

/** Asymmetric algorithms alone: a public key must never pass for a shared secret. */
const algorithms = ['EdDSA', 'ES256', 'ES384', 'RS256', 'PS256'];

/** Verifies the tokens of a token server outside. They are its word for who somebody is and narrow what they do here; `authorize` is asked all the same. */
export function createOutsideTokens(server: TokenServer, { now }: { now(): number }): Pick<Tokens, 'verify'> {
  const readKeys = keyReader(server.keys);
  let finders: Promise<readonly JWTVerifyGetKey[]> | undefined;

  async function verifyWith(token: string): Promise<JWTPayload> {
    const { errors, jwtVerify } = await loadJose();
    finders ??= loadJose().then(readKeys);
    let failure: unknown = new errors.JWKSNoMatchingKey();
    for (const findKey of await finders) {
      try {
        const options = {
          algorithms,
          issuer: server.issuer,
          audience: server.service,
          clockTolerance: leewaySeconds,
          currentDate: new Date(now()),
        };
        return (await jwtVerify(token, findKey, { ...options, requiredClaims: ['exp'] })).payload;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async function verify(token: string): Promise<VerifiedToken> {
    const { errors } = await loadJose();
    try {
      const payload = await verifyWith(token);
      const { sub = '', access } = payload;
      return {
        claims: {
          identity: sub === '' ? undefined : sub,
          scopes: readScopes(access),
          reachesCatalog: readCatalog(access),
          accessToken: undefined,
          issuedMs: readIssued(payload),
        },
        ...readTimes(payload),
      };
    } catch (cause) {
      if (!(cause instanceof errors.JOSEError)) throw cause;
      throw new UnauthorizedError(
        `The token is not one that ${server.issuer} made for this registry, or it has expired.`,
        { cause },
      );
    }
  }

  return { verify: rememberVerified({ verify, now }) };
}

/** What reads the keys with jose at hand: a set is searched by the id in the token's header; certificates have none and are tried one after the other. Keys that cannot be read throw here. */
function keyReader(keys: TokenServer['keys']): (jose: typeof import('jose')) => readonly JWTVerifyGetKey[] {
  if ('jwks' in keys) {
    if (!keys.jwks.keys.every((key) => typeof key['kty'] === 'string')) {
      throw new TypeError('A key of the token server is no JWK: each has a `kty`.');
    }
    return ({ createLocalJWKSet }) => [
      createLocalJWKSet({ keys: [...keys.jwks.keys] } as Parameters<typeof createLocalJWKSet>[0]),
    ];
  }
  const publicKeys = keys.certificates.map((certificate) =>
    new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  );
  return ({ errors, importSPKI }) =>
    publicKeys.map(
      (publicKey) =>
        ({ alg = '' }) =>
          importSPKI(publicKey, alg).catch((cause: unknown) => {
            // The token says an algorithm that this key is not for.
            throw new errors.JWKSNoMatchingKey(undefined, { cause });
          }),
    );
}
