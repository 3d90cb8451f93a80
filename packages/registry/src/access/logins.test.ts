import { expect, test } from 'vitest';
import { createLogins } from './logins.ts';

function open() {
  let nowMs = 1_000_000;
  const logins = createLogins({ now: () => nowMs });
  return {
    /** `'none'`: no address is known. */
    fail(count: number, username = 'alice', address = '10.0.0.1') {
      for (let i = 0; i < count; i += 1) logins.fail(username, address === 'none' ? undefined : address);
    },
    /** Seconds to wait for; undefined: none. */
    wait(username = 'alice', address = '10.0.0.1') {
      try {
        logins.check(username, address === 'none' ? undefined : address);
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
  fail(10, 'carol', 'none');
  expect(wait('carol', 'none')).toBe(60);
});

test('names that differ only far behind are one', () => {
  const { fail, wait } = open();
  const long = 'a'.repeat(256);
  fail(5, `${long}1`);
  fail(5, `${long}2`);
  expect(wait(`${long}3`)).toBe(60);
});

test('a hundred failures from one address end its logins for everybody, so that no count is flushed out by others', () => {
  const { fail, wait } = open();
  fail(10);
  for (let i = 0; i < 89; i += 1) fail(1, `user${i}`);
  expect(wait('bob')).toBeUndefined();
  fail(1, 'user89');
  expect(wait('bob')).toBe(60);
  expect(wait('bob', '10.0.0.2')).toBeUndefined();
});

test('all addresses of an IPv6 network are one, and where there is no address users are counted alone', () => {
  const { fail, wait } = open();
  for (let i = 0; i < 10; i += 1) fail(1, 'alice', `2001:db8:0:1::${i}`);
  expect(wait('alice', '2001:db8:0:1:ffff::1')).toBe(60);
  expect(wait('alice', '2001:db8:0:2::1')).toBeUndefined();
  const elsewhere = open();
  for (let i = 0; i < 200; i += 1) elsewhere.fail(1, `user${i}`, 'none');
  expect(elsewhere.wait('bob', 'none')).toBeUndefined();
});
