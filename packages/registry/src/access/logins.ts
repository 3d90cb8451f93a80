import { LRUCache } from 'lru-cache';
import { OciError } from '../oci/error.ts';
import { clientNetwork } from './client-network.ts';

/** Failed logins, counted so that nobody guesses passwords: ten in a minute for a user from an address, a hundred from an address for all users, and then none for the rest of it. */
export interface Logins {
  /** 429 with `Retry-After` while there were too many. */
  check(username: string, address: string | undefined): void;
  fail(username: string, address: string | undefined): void;
}

const maximumOfUser = 10;

/** More than that in a minute is no forgetful person: names are being tried, or the count of one is being flushed out by those of many. */
const maximumOfAddress = 100;

const windowMs = 60_000;

/** Counts that are remembered. */
const maximumEntries = 10_000;

export function createLogins({ now }: { now(): number }): Logins {
  const users = createCounter(now, maximumOfUser);
  const addresses = createCounter(now, maximumOfAddress);
  const networkOf = (address: string | undefined) => (address === undefined ? '' : clientNetwork(address));
  const keyOf = (username: string, address: string | undefined) => `${username.slice(0, 256)}\n${networkOf(address)}`;
  return {
    check(username, address) {
      users.check(keyOf(username, address));
      // Without an address everybody would be locked out for the guesses of one.
      if (address !== undefined) addresses.check(networkOf(address));
    },
    fail(username, address) {
      users.add(keyOf(username, address));
      if (address !== undefined) addresses.add(networkOf(address));
    },
  };
}

/** Counts by key, from the first one on for a minute. */
function createCounter(now: () => number, maximum: number): { check(key: string): void; add(key: string): void } {
  const counts = new LRUCache<string, { count: number; sinceMs: number }>({ max: maximumEntries });
  function recent(key: string): { count: number; sinceMs: number } {
    const entry = counts.get(key);
    return entry !== undefined && now() - entry.sinceMs < windowMs ? entry : { count: 0, sinceMs: now() };
  }
  return {
    check(key) {
      const { count, sinceMs } = recent(key);
      if (count < maximum) return;
      const seconds = Math.ceil((sinceMs + windowMs - now()) / 1000);
      throw new OciError('TOOMANYREQUESTS', `Too many failed logins. Try again in ${seconds} seconds.`, {
        headers: { 'Retry-After': String(seconds) },
      });
    },
    add(key) {
      const entry = recent(key);
      counts.set(key, { ...entry, count: entry.count + 1 });
    },
  };
}
