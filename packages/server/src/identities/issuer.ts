import { OciError } from '@moorage/registry';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose';
import { discover, endpointOf, fetchBounded, fetchTimeoutMs, reasonOf } from './bounded-fetch.ts';

/** Asymmetric ones alone: a public key must never pass for a shared secret, and no signature for one. */
const algorithms = ['RS256', 'ES256', 'EdDSA', 'PS256'];

/** Clocks of issuers may be ahead by so much, in seconds. */
const leewaySeconds = 60;

/** How long the address of the keys is kept. */
const discoveryTtlMs = 3_600_000;

/** How long an issuer that failed is not asked again. */
const failureTtlMs = 10_000;

/** Claims of a token that was verified. Their kinds are those of RFC 7519. */
export interface VerifiedToken extends JWTPayload {
  readonly iss: string;
  readonly sub: string;
  readonly exp: number;
  readonly iat: number;
}

/** A token that its issuer signed and that is not good here, in words for whom it was given to. */
export class TokenRefusal extends Error {}

/** One issuer of tokens, whose keys are fetched when the first token comes and kept for ten minutes. */
export interface Issuer {
  /** The claims of a token of this issuer for one of the audiences; undefined for one that it did not sign. Rejects with a `TokenRefusal` for one that has expired, is from the future,
   *  or is for others, and with an `OciError` (503) while its keys cannot be fetched. */
  verify(token: string, audiences: readonly string[]): Promise<VerifiedToken | undefined>;
}

/** What an issuer is told apart and timed by. */
export interface IssuerOptions {
  now(): number;
  /** An unknown key makes the keys be fetched again, but not more often. Default: 30 s. */
  readonly cooldownMs?: number | undefined;
}

export function createIssuer(url: string, { now, cooldownMs = 30_000 }: IssuerOptions): Issuer {
  const findKey = createKeyFinder(url, { now, cooldownMs });
  return {
    async verify(token, audiences) {
      try {
        const { payload } = await jwtVerify(token, findKey, {
          algorithms,
          issuer: url,
          audience: [...audiences],
          clockTolerance: leewaySeconds,
          currentDate: new Date(now()),
          requiredClaims: ['exp', 'iat', 'sub'],
        });
        return checkedToken(payload, now());
      } catch (error) {
        if (error instanceof errors.JWTExpired) throw new TokenRefusal('it has expired');
        if (error instanceof errors.JWTClaimValidationFailed) throw new TokenRefusal(wordsOf(error, audiences));
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  };
}

function wordsOf(
  { claim, message, payload }: InstanceType<typeof errors.JWTClaimValidationFailed>,
  audiences: readonly string[],
) {
  if (claim === 'aud') {
    return `it is for ${JSON.stringify(payload.aud ?? null)}, and not for ${audiences.map((one) => JSON.stringify(one)).join(' or ')}`;
  }
  return claim === 'nbf' ? 'its time has not come yet' : message;
}

/** jose does not look at `iat` by itself, and takes a subject of any kind. */
function checkedToken(payload: JWTPayload, nowMs: number): VerifiedToken {
  const { iss, sub, exp, iat } = payload;
  if (typeof sub !== 'string' || sub === '' || sub.length > 512 || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(sub)) {
    throw new TokenRefusal('its subject is not 1 to 512 characters of text');
  }
  if (iss === undefined || exp === undefined || iat === undefined) throw new TokenRefusal('it lacks a claim');
  if (iat > nowMs / 1000 + leewaySeconds) throw new TokenRefusal('it was issued in the future: look at the clocks');
  return { ...payload, iss, sub, exp, iat };
}

/** Finds the key of a token's header among those of the issuer, whose own header fields jwk, jku and x5c are never looked at. */
function createKeyFinder(
  url: string,
  { now, cooldownMs }: { now(): number; readonly cooldownMs: number },
): JWTVerifyGetKey {
  let known: { readonly address: string; readonly find: JWTVerifyGetKey; readonly atMs: number } | undefined;
  let failure: { readonly error: unknown; readonly atMs: number } | undefined;
  let pending: Promise<JWTVerifyGetKey> | undefined;

  async function renew(): Promise<JWTVerifyGetKey> {
    try {
      const address = endpointOf(await discover(url), 'jwks_uri');
      const find =
        known?.address === address
          ? known.find
          : createRemoteJWKSet(new URL(address), {
              timeoutDuration: fetchTimeoutMs,
              cooldownDuration: cooldownMs,
              cacheMaxAge: 600_000,
              [customFetch]: fetchBounded,
            });
      known = { address, find, atMs: now() };
      return find;
    } catch (error) {
      failure = { error, atMs: now() };
      throw error;
    } finally {
      pending = undefined;
    }
  }

  async function keys(): Promise<JWTVerifyGetKey> {
    if (known !== undefined && now() - known.atMs < discoveryTtlMs) return known.find;
    const hasFailed = failure !== undefined && now() - failure.atMs < failureTtlMs;
    try {
      if (hasFailed) throw failure?.error;
      pending ??= renew();
      return await pending;
    } catch (error) {
      // Its keys are where they were, most probably.
      if (known !== undefined) return known.find;
      throw error;
    }
  }

  return async (header, token) => {
    try {
      return await (await keys())(header, token);
    } catch (cause) {
      const isOfToken =
        cause instanceof errors.JWKSNoMatchingKey ||
        cause instanceof errors.JWKSMultipleMatchingKeys ||
        cause instanceof errors.JOSENotSupported;
      if (isOfToken) throw cause;
      const message = `The keys of ${url} cannot be fetched, so that its tokens cannot be checked: ${reasonOf(cause)}.`;
      throw new OciError('UNKNOWN', message, { status: 503, cause: new Error(message, { cause }) });
    }
  };
}
