import { expect, test } from 'vitest';
import { tellOncePerMinute } from './wrong-scheme.ts';

test('an address is told of once a minute, and others meanwhile', () => {
  const told: unknown[] = [];
  let nowMs = 0;
  const log = { warn: (facts: { address: string }) => told.push(facts.address) };
  const tell = tellOncePerMinute(log as never, () => nowMs);
  tell('a', {}, '');
  nowMs = 59_999;
  tell('a', {}, '');
  tell('b', {}, '');
  nowMs = 60_000;
  tell('a', {}, '');
  expect(told).toEqual(['a', 'b', 'a']);
});

test('the oldest of a thousand addresses is forgotten', () => {
  let told = 0;
  const tell = tellOncePerMinute({ warn: () => (told += 1) } as never, () => 0);
  for (let count = 0; count <= 1000; count += 1) tell(String(count), {}, '');
  tell('1000', {}, '');
  expect(told).toBe(1001);
  tell('0', {}, '');
  expect(told).toBe(1002);
});
