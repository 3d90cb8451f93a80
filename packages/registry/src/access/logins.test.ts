import { expect, test } from 'vitest';
import { createLogins } from './logins.ts';

function open() {
  let nowMs = 1_000_000;
  const logins = createLogins({ now: () => nowMs });
  return {
    fail(count: number, username = 'alice', address: string | undefined = '10.0.0.1') {
      for (let i = 0; i < count; i += 1) logins.fail(username, address);
    },
    /** Seconds to wait for; undefined: none. */
    wait(username = 'alice', address: string | undefined = '10.0.0.1') {
      try {
        logins.check(username, address);
        return undefined;
      } catch (error) {
        expect(error).toMatchObject({ code: 'TOOMANYREQUESTS', status: 429 });
        return Number((error as { headers: Record<string, string> }).headers['Retry-After']);
      }
    },
    advance(ms: number) {
      nowMs += ms;
    },
  };
}

test('ten failures in a minute, and then none for the rest of it, told in seconds', () => {
  const { fail, wait, advance } = open();
  fail(9);
  expect(wait()).toBeUndefined();
  advance(20_500);
  fail(1);
  expect(wait()).toBe(40);
  advance(39_499);
  expect(wait()).toBe(1);
  advance(1);
  expect(wait()).toBeUndefined();
});

test('a new minute begins with the first failure after the last one', () => {
  const { fail, wait, advance } = open();
  fail(9);
  advance(60_000);
  fail(9);
  expect(wait()).toBeUndefined();
  fail(1);
  expect(wait()).toBe(60);
});

test('users and addresses are counted apart, so that nobody locks another one out', () => {
  const { fail, wait } = open();
  fail(10);
  expect(wait('bob')).toBeUndefined();
  expect(wait('alice', '10.0.0.2')).toBeUndefined();
  expect(wait('alice\n10.0.0.1', '')).toBeUndefined();
  expect(wait()).toBe(60);
  fail(10, 'carol', undefined);
  expect(wait('carol', undefined)).toBe(60);
});

test('names that differ only far behind are one, and so many names are remembered and no more', () => {
  const { fail, wait } = open();
  const long = 'a'.repeat(256);
  fail(5, `${long}1`);
  fail(5, `${long}2`);
  expect(wait(`${long}3`)).toBe(60);
  for (let i = 0; i < 10_000; i += 1) fail(1, `user${i}`);
  expect(wait(`${long}3`)).toBeUndefined();
});
