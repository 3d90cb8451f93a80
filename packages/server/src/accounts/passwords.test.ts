import { parseOptions } from '@node-rs/argon2';
import { expect, test } from 'vitest';
import { isAccountName } from './names.ts';
import { hashPassword, isPassword, nobodysHash, passwordMatches, randomPassword } from './passwords.ts';

test('a password matches its own hash, which is argon2id with a salt', async () => {
  const [one, two] = [await hashPassword('secret'), await hashPassword('secret')];
  expect(one).toMatch(/^\$argon2id\$v=19\$/);
  expect(one).not.toBe(two);
  expect(await passwordMatches(one, 'secret')).toBe(true);
  expect(await passwordMatches(one, 'Secret')).toBe(false);
});

test("nobody's hash costs what every hash costs, and matches nothing", async () => {
  expect(parseOptions(nobodysHash)).toEqual(parseOptions(await hashPassword('x')));
  expect(await passwordMatches(nobodysHash, '')).toBe(false);
});

test.each(['a', 'pass word', 'pässwörd', 'x'.repeat(1024)])('%j can be a password', (text) => {
  expect(isPassword(text)).toBe(true);
});

test.each(['', 'two\nlines', 'a\0b', 'ä'.repeat(513)])('%j cannot be a password', (text) => {
  expect(isPassword(text)).toBe(false);
});

test('a random password can be one, and is another each time', () => {
  expect(isPassword(randomPassword())).toBe(true);
  expect(randomPassword()).not.toBe(randomPassword());
});

test.each(['a', '0', 'alice', 'a.b_c-d', 'x'.repeat(64)])('%j can be a name', (text) => {
  expect(isAccountName(text)).toBe(true);
});

test.each(['', 'Alice', '-a', '.a', '_a', 'robot+ci', '@ops', 'a b', 'a/b', 'a\n', '$a', 'x'.repeat(65)])(
  '%j cannot be a name',
  (text) => {
    expect(isAccountName(text)).toBe(false);
  },
);
