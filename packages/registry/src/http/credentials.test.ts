import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UnauthorizedError } from '../access/unauthorized.ts';
import { parseCredentials } from './credentials.ts';

const read = (authorization: string) => parseCredentials({ authorization });
const base64 = (text: string) => Buffer.from(text).toString('base64');

test('without the header nothing is shown; a cookie is no credential', () => {
  expect(parseCredentials({})).toBeUndefined();
  expect(
    parseCredentials({ cookie: 'session=admin', 'proxy-authorization': `Basic ${base64('a:b')}` }),
  ).toBeUndefined();
});

test('Basic is a name and a password, which may hold colons, spaces and every letter', () => {
  for (const [username, password] of [
    ['alice', 'secret'],
    ['alice', ''],
    ['', 'secret'],
    ['alice', 'a:b:c'],
    ['robot+ci', 'moorage_abc'],
    ['Jürgen', 'pässwörd ☃'],
    ['alice', ' spaces '],
  ] as const) {
    expect(read(`Basic ${base64(`${username}:${password}`)}`)).toEqual({ username, password });
  }
});

test('schemes are known in every case, and spaces around do not count', () => {
  expect(read(`bAsIc   ${base64('alice:secret')}  `)).toEqual({ username: 'alice', password: 'secret' });
  expect(read('BEARER abc.def.ghi')).toEqual({ token: 'abc.def.ghi' });
});

test('what cannot be read is 401, and what it held is not told', () => {
  for (const header of [
    '',
    'Basic',
    'Basic ',
    `Basic ${base64('no-colon')}`,
    'Basic %%%',
    'Bearer',
    'Bearer a b',
    'Negotiate abc',
    'abc',
    base64('alice:secret'),
  ]) {
    let refusal: unknown;
    try {
      refusal = read(header);
    } catch (error) {
      refusal = error;
    }
    expect(refusal, header).toBeInstanceOf(UnauthorizedError);
    expect(String(refusal)).not.toMatch(/secret|no-colon|abc/);
  }
});

test('any header is credentials or 401, in a time that its length does not multiply', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), (header) => {
      try {
        read(header);
      } catch (error) {
        expect(error).toBeInstanceOf(UnauthorizedError);
      }
    }),
  );
  const startedMs = performance.now();
  for (const header of [`Basic${' '.repeat(60_000)}a b`, 'a '.repeat(30_000), `Bearer ${'a'.repeat(60_000)}`]) {
    try {
      read(header);
    } catch (error) {
      expect(error).toBeInstanceOf(UnauthorizedError);
    }
  }
  expect(performance.now() - startedMs).toBeLessThan(500);
});
