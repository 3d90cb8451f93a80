import { expect, test } from 'vitest';
import { nextLink, parseLast, parsePageSize } from './page.ts';

const sizeOf = (query: string): number => parsePageSize(new URLSearchParams(query));

test('a page has as many entries as are asked for, up to 10,000, and without a number 10,000', () => {
  expect(['n=0', 'n=1', 'n=007', 'n=10000'].map(sizeOf)).toEqual([0, 1, 7, 10_000]);
  expect(['', 'n=', 'n=10001', `n=${'9'.repeat(400)}`].map(sizeOf)).toEqual([10_000, 10_000, 10_000, 10_000]);
});

test('what is no number of entries is 400 with what to use', () => {
  for (const n of ['-1', '1.0', '1e2', 'NaN', '%201', '%D9%A1', '1%00']) {
    expect(() => sizeOf(`n=${n}`)).toThrow(expect.objectContaining({ status: 400, code: 'UNSUPPORTED' }));
  }
  expect(() => sizeOf('n=ten')).toThrow('n="ten" is not a number of entries: use an integer from 0 on.');
});

test('a page without last, or with an empty one, begins at the beginning', () => {
  expect(parseLast(new URLSearchParams())).toBeUndefined();
  expect(parseLast(new URLSearchParams('last='))).toBeUndefined();
  expect(parseLast(new URLSearchParams('last=a%2Fb'))).toBe('a/b');
});

test('a Link has the relation next', () => {
  expect(nextLink('/v2/_catalog?n=1&last=a%2Fb')).toEqual({ Link: '</v2/_catalog?n=1&last=a%2Fb>; rel="next"' });
});
