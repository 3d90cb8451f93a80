import { expect, test } from 'vitest';
import { claimsMatch, globMatches } from './claims.ts';

test.each([
  ['refs/heads/main', 'refs/heads/main', true],
  ['refs/heads/main', 'refs/heads/main2', false],
  ['refs/heads/*', 'refs/heads/feature/one', true],
  ['refs/heads/*', 'refs/tags/refs/heads/main', false],
  ['refs/heads/*', 'refs/heads', false],
  ['*', '', true],
  ['a*b*c', 'abc', true],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'ac', false],
  ['ab*ba', 'aba', false],
  ['a*aa', 'aa', false],
  ['**x', 'x', true],
  ['a.c', 'abc', false],
  ['[a-z]', 'a', false],
])('%s and %s: %s', (pattern, text, isMatch) => {
  expect(globMatches(pattern, text)).toBe(isMatch);
});

test('a pattern with many stars does not take long for a text that almost matches', () => {
  const startedMs = performance.now();
  expect(globMatches(`${'*a'.repeat(200)}b`, 'a'.repeat(100_000))).toBe(false);
  expect(performance.now() - startedMs).toBeLessThan(500);
});

test('every claim that is named must match, and one entry of a list', () => {
  const claims = { repository: 'acme/web', groups: ['dev', 'ops'], run: 12, protected: true, nested: { a: 'b' } };
  expect(claimsMatch({ repository: 'acme/web', groups: 'op*' }, claims)).toBe(true);
  expect(claimsMatch({ run: '12', protected: 'true' }, claims)).toBe(true);
  expect(claimsMatch({ repository: 'acme/web', groups: 'admins' }, claims)).toBe(false);
  for (const name of ['missing', 'nested', 'constructor', '__proto__']) {
    expect(claimsMatch({ repository: 'acme/web', [name]: '*' }, claims)).toBe(false);
  }
});
