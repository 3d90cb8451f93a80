import { clientNetwork, type LimitRequest, type RegistryOptions } from '@moorage/registry';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Rate } from './rate-types.ts';
import type { Settings } from './settings.ts';

/** What counts requests, and under which key it counts one; undefined: it does not count that one. */
interface Counter {
  readonly limiter: RateLimiterMemory;
  keyOf(request: LimitRequest): string | undefined;
}

/** The `limit` of a registry by the settings; undefined where they limit nothing. Counts in the memory of this thread, which is told of all requests to its data; a restart forgets. */
export function createLimit(
  settings: Pick<Settings, 'rateLimits.address' | 'rateLimits.identity' | 'rateLimits.endpoints'>,
): RegistryOptions['limit'] {
  const counters: Counter[] = [];
  const add = (rate: Rate | undefined, keyOf: Counter['keyOf']) => {
    if (rate === undefined) return;
    counters.push({ limiter: new RateLimiterMemory({ points: rate.count, duration: rate.seconds }), keyOf });
  };
  // Before a password is checked, which costs more than anything else that a stranger can ask for.
  add(settings['rateLimits.address'], (request) => (request.stage === 'arrived' ? addressKey(request) : undefined));
  add(settings['rateLimits.identity'], identityKey);
  for (const rate of settings['rateLimits.endpoints']) {
    add(rate, (request) => {
      const isMeant = request.stage === 'identified' && request.end === rate.end;
      return isMeant ? (identityKey(request) ?? addressKey(request)) : undefined;
    });
  }

  if (counters.length === 0) return undefined;
  return async (request) => {
    for (const { limiter, keyOf } of counters) {
      const key = keyOf(request);
      const seconds = key === undefined ? undefined : await count(limiter, key);
      if (seconds !== undefined) return seconds;
    }
    return undefined;
  };
}

/** Counts a request; returns the seconds until the next one may come where this one is too many. */
async function count(limiter: RateLimiterMemory, key: string): Promise<number | undefined> {
  try {
    await limiter.consume(key);
    return undefined;
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    return refusal.msBeforeNext / 1000;
  }
}

/** A user may be called like an address. */
const identityKey = ({ identity }: LimitRequest) => (identity === undefined ? undefined : `identity ${identity.id}`);

const addressKey = ({ address = '' }: LimitRequest) => `address ${clientNetwork(address)}`;
