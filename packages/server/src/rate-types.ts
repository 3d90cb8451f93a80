import { z } from 'zod';
import { list, type SettingType } from './setting-types.ts';

/** At most so many requests in a period that begins with the first. */
export interface Rate {
  readonly count: number;
  readonly seconds: number;
}

/** A rate for one endpoint. */
export interface EndpointRate extends Rate {
  /** Its id in the specification, or a name where it has none. */
  readonly end: string;
}

/** The endpoints that a rate can be for, as the library's `limit` names them. */
export const endpointIds = [
  ...['end-1', 'end-2', 'end-3', 'end-4', 'end-5', 'end-6', 'end-7', 'end-8', 'end-9', 'end-10', 'end-12'],
  ...['end-13', 'end-14', 'catalog', 'token', 'token-keys'],
] as const;

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Timers do not reach further than 24.8 days. */
const longestSeconds = 24 * 86_400;

/** `N/PERIOD`, such as `600/1m`. */
const rateText = z.string().transform((value, context): Rate => {
  const [, count, length, unit = ''] = /^(\d{1,9})\/(\d{1,7})([smhd])$/.exec(value) ?? [];
  const rate = { count: Number(count), seconds: Number(length) * (secondsOf[unit] ?? Number.NaN) };
  if (rate.count >= 1 && rate.seconds >= 1 && rate.seconds <= longestSeconds) return rate;
  context.addIssue('not a rate');
  return z.NEVER;
});

/** How many requests may come in what time; empty: any number. */
export function rate(): SettingType<Rate | undefined> {
  return {
    schema: z.union([z.literal('').transform(() => undefined), rateText]),
    expects: 'N/PERIOD, such as 600/1m or 10000/1d; the period ends in s, m, h or d and is at most 24d',
    placeholder: '<rate>',
  };
}

/** Rates of endpoints: a list in YAML, text with commas elsewhere. */
export function endpointRates(): SettingType<readonly EndpointRate[]> {
  const pair = z.string().transform((value, context): EndpointRate => {
    const [end = '', ...rest] = value.split('=');
    const isKnown = endpointIds.some((id) => id === end);
    const result = rateText.safeParse(rest.join('='));
    if (isKnown && result.success) return { end, ...result.data };
    context.addIssue('not the rate of an endpoint');
    return z.NEVER;
  });
  return {
    schema: list(pair),
    expects: `END=N/PERIOD, such as end-7=60/1m, separated by commas; the ends are ${endpointIds.join(', ')}`,
    placeholder: '<rates>',
  };
}
