import { LRUCache } from 'lru-cache';
import type { VerifiedClaims } from './token-claims.ts';

/** A token that was found good. */
export interface VerifiedToken {
  readonly claims: VerifiedClaims;
  /** Whether the key that signed it counts still; without it: no command takes it back. */
  isKeyKept?(): Promise<boolean>;
  /** When it is good, in ms since 1970, leeway included. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** How tokens are verified, and what makes one that was good remain so. */
export interface VerificationNeeds {
  /** Checks signature and claims; rejects with `UnauthorizedError`. */
  verify(token: string): Promise<VerifiedToken>;
  now(): number;
}

const maximumTokens = 1_000;

/** Spares a token that was found good the check of its signature when it comes again, as it does with each request of a pull (bench rows with `--tokens`; the check took more than all else).
 *
 *  What makes it valid: its text is the same to the last character, its time has not passed, and its key counts still, which is asked at each use. What the claims are worth, whether their identity is known and what
 *  it may do, is asked by others at each request as before. */
export function rememberVerified({ verify, now }: VerificationNeeds): (token: string) => Promise<VerifiedClaims> {
  const known = new LRUCache<string, VerifiedToken>({ max: maximumTokens });

  async function isStillGood({ isKeyKept, fromMs, untilMs }: VerifiedToken): Promise<boolean> {
    const nowMs = now();
    return nowMs >= fromMs && nowMs < untilMs && (isKeyKept === undefined || (await isKeyKept()));
  }

  return async (token) => {
    const before = known.get(token);
    if (before !== undefined && (await isStillGood(before))) return before.claims;
    known.delete(token);
    const verified = await verify(token);
    known.set(token, verified);
    return verified.claims;
  };
}
