import { createHmac, randomBytes } from 'node:crypto';
import { passwordMatches } from './passwords.ts';

/** What somebody says to be good. */
export interface Claim {
  readonly username: string;
  readonly password: string;
  /** Of the user's row as it is now. */
  readonly passwordHash: string;
}

const rememberedMs = 60_000;

/** Tells whether a claim is good, and remembers those that were for 60 s, since a client that shows its password at each request would else pay for a slow hash at each.
 *
 *  What is remembered is a keyed hash, whose key lives in this process alone, and the row's hash is part of it: once a password was changed, the old one is not remembered
 *  any more. Equal claims that come at once are worked out once. `matches` and `now` are for tests. */
export function createVerifier({
  matches = passwordMatches,
  now = Date.now,
}: {
  readonly matches?: typeof passwordMatches;
  readonly now?: () => number;
} = {}): (claim: Claim) => Promise<boolean> {
  const key = randomBytes(32);
  /** In the order of their end, since all live equally long. */
  const remembered = new Map<string, { readonly isGood: Promise<boolean>; readonly untilMs: number }>();

  return ({ username, password, passwordHash }) => {
    for (const [old, { untilMs }] of remembered) {
      if (untilMs > now()) break;
      remembered.delete(old);
    }
    const text = JSON.stringify([username, password, passwordHash]);
    const id = createHmac('sha256', key).update(text).digest('base64');
    const known = remembered.get(id);
    if (known !== undefined) return known.isGood;

    const isGood = matches(passwordHash, password);
    remembered.set(id, { isGood, untilMs: now() + rememberedMs });
    const forget = () => remembered.delete(id);
    isGood.then((good) => good || forget(), forget);
    return isGood;
  };
}
