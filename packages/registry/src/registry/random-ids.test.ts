import { expect, test } from 'vitest';
import { randomIds } from './random-ids.ts';

test('ids are 32 characters of hex, and none comes twice, across fillings of the pool and between two sources', () => {
  const [first, second] = [randomIds(), randomIds()];
  const ids = Array.from({ length: 2_000 }, (_, n) => (n % 2 === 0 ? first() : second()));
  expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
});
