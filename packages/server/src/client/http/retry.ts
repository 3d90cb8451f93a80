import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionError } from './connection-error.ts';
import { RefusedError } from './refused-error.ts';

/** Waits between tries, in ms; a registry's own `Retry-After` comes before them. */
const waitsMs = [250, 500, 1000, 2000, 4000, 8000];
/** Nobody waits for longer at a terminal. */
const longestWaitMs = 120_000;
const transientStatuses = new Set([429, 502, 503, 504]);

/** Resolves after `ms`; tests pass one that does not wait. */
export type Sleep = (ms: number) => Promise<unknown>;

/** Sleeps for real. */
export const sleepForReal: Sleep = (ms) => delay(ms);

/** How long to wait before the try after `attempt` failed ones (from 0 on); `undefined` when it is not worth another. */
export function waitAfter(error: unknown, attempt: number): number | undefined {
  const wait = waitsMs[attempt];
  if (wait === undefined) return undefined;
  if (error instanceof ConnectionError) return error.isTransient ? wait : undefined;
  if (!(error instanceof RefusedError) || !transientStatuses.has(error.status)) return undefined;
  const asked = retryAfterMs(error.headers['retry-after']) ?? wait;
  return asked > longestWaitMs ? undefined : asked;
}

/** What `act` comes to, after some tries where a connection broke or the registry was busy. */
export async function retrying<Result>(act: () => Promise<Result>, sleep: Sleep): Promise<Result> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await act();
    } catch (error) {
      const wait = waitAfter(error, attempt);
      if (wait === undefined) throw error;
      await sleep(wait);
    }
  }
}

/** Seconds or a date (RFC 9110, section 10.2.3). */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const ms = Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}
