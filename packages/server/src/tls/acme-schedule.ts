import type { X509Certificate } from 'node:crypto';

const minuteMs = 60_000;
const longestWaitMs = 12 * 60 * minuteMs;
/** Whoever has mended what was wrong starts the server again and waits no longer than this. Let's Encrypt takes five failures an hour. */
const longestWaitAfterStartMs = 12 * minuteMs;

/** Attempts that failed one after the other, the latest at `lastMs`. */
export interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

/** When a certificate is renewed: once a third of its life is left. */
export function renewalMs({
  validFromDate,
  validToDate,
}: Pick<X509Certificate, 'validFromDate' | 'validToDate'>): number {
  const fromMs = validFromDate.getTime();
  return fromMs + ((validToDate.getTime() - fromMs) * 2) / 3;
}

/** When it is tried again: after 1, 5, 25 minutes, two hours, and then twice a day. */
export function retryMs({ count, lastMs }: Failures): number {
  return lastMs + Math.min(minuteMs * 5 ** (count - 1), longestWaitMs);
}

/** The same for failures of a server that ran before: one that is started again and again must not ask each time. */
export function retryAfterStartMs(failures: Failures): number {
  return Math.min(retryMs(failures), failures.lastMs + longestWaitAfterStartMs);
}
