import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { endpointIds, endpointRates, rate } from './rate-types.ts';

const parse = (type: ReturnType<typeof rate> | ReturnType<typeof endpointRates>, value: unknown) => {
  const result = type.schema.safeParse(value);
  return result.success ? result.data : 'refused';
};

test.each([
  ['600/1m', { count: 600, seconds: 60 }],
  ['1/1s', { count: 1, seconds: 1 }],
  ['10/2h', { count: 10, seconds: 7200 }],
  ['100/24d', { count: 100, seconds: 2_073_600 }],
  ['', undefined],
])('%j is a rate', (text, expected) => {
  expect(parse(rate(), text)).toEqual(expected);
});

test.each(['600', '0/1m', '600/0s', '600/25d', '600/m', '600/1', '1.5/1m', '-1/1m', ' 600/1m', '600/1w', 600, null])(
  '%j is no rate',
  (value) => {
    expect(parse(rate(), value)).toBe('refused');
  },
);

test('endpoints have rates, of which one may have two', () => {
  const rates = [
    { end: 'end-7', count: 60, seconds: 60 },
    { end: 'end-7', count: 1000, seconds: 86_400 },
    { end: 'token', count: 5, seconds: 1 },
  ];
  expect(parse(endpointRates(), 'end-7=60/1m, end-7=1000/1d,token=5/1s')).toEqual(rates);
  expect(parse(endpointRates(), ['end-7=60/1m', 'end-7=1000/1d', 'token=5/1s'])).toEqual(rates);
  expect(parse(endpointRates(), '')).toEqual([]);
  for (const value of ['end-7', 'end-7=', 'end-70=60/1m', 'PUT=60/1m', 'end-7=60/1m=', '=60/1m', { 'end-7': '1/1s' }]) {
    expect(parse(endpointRates(), value), JSON.stringify(value)).toBe('refused');
  }
});

test('the endpoints are those of the library', () => {
  const routes = readFileSync(new URL('../../registry/src/http/routes.ts', import.meta.url), 'utf8');
  const ends = [...routes.matchAll(/end: '([^']+)'/g)].map(([, end]) => end);
  expect(new Set(endpointIds)).toEqual(new Set(ends));
});
