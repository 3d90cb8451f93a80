import { LRUCache } from 'lru-cache';
import { OciError } from '../oci/error.ts';

/** Failed logins, counted by user and address, so that nobody guesses passwords: ten in a minute, and then none for the rest of it. */
export interface Logins {
  /** 429 with `Retry-After` while there were too many. */
  check(username: string, address: string | undefined): void;
  fail(username: string, address: string | undefined): void;
}

const maximumFailures = 10;
const windowMs = 60_000;

/** Pairs of user and address that are remembered; an attacker with more of them than that is a matter for a firewall. */
const maximumEntries = 10_000;

export function createLogins({ now }: { now(): number }): Logins {
  const failures = new LRUCache<string, { count: number; sinceMs: number }>({ max: maximumEntries });
  const keyOf = (username: string, address: string | undefined) => `${username.slice(0, 256)}\n${address ?? ''}`;
  function recent(key: string): { count: number; sinceMs: number } {
    const entry = failures.get(key);
    return entry !== undefined && now() - entry.sinceMs < windowMs ? entry : { count: 0, sinceMs: now() };
  }
  return {
    check(username, address) {
      const { count, sinceMs } = recent(keyOf(username, address));
      if (count < maximumFailures) return;
      const seconds = Math.ceil((sinceMs + windowMs - now()) / 1000);
      throw new OciError('TOOMANYREQUESTS', `Too many failed logins. Try again in ${seconds} seconds.`, {
        headers: { 'Retry-After': String(seconds) },
      });
    },
    fail(username, address) {
      const key = keyOf(username, address);
      const entry = recent(key);
      failures.set(key, { ...entry, count: entry.count + 1 });
    },
  };
}
