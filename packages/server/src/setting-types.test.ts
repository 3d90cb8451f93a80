import { expect, test } from 'vitest';
import {
  address,
  choice,
  count,
  flag,
  location,
  mediaTypes,
  optional,
  origin,
  seconds,
  size,
  subnets,
  url,
  word,
} from './setting-types.ts';

const parse = (type: ReturnType<typeof optional>, value: unknown) => {
  const result = type.schema.safeParse(value);
  return result.success ? result.data : 'refused';
};

test.each([
  ['127.0.0.1:5000', { host: '127.0.0.1', port: 5000 }],
  ['[::1]:5000', { host: '::1', port: 5000 }],
  ['localhost:80', { host: 'localhost', port: 80 }],
  [':5000', { host: undefined, port: 5000 }],
  ['5000', { host: '127.0.0.1', port: 5000 }],
  [5000, { host: '127.0.0.1', port: 5000 }],
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
])('%j is an address', (value, expected) => {
  expect(parse(address(), value)).toEqual(expected);
});

test.each([
  '',
  'localhost',
  '::1:5000',
  '127.0.0.1:65536',
  'http://127.0.0.1:5000',
  '1:2:3',
  '127.0.0.1:',
  -1,
  1.5,
  null,
])('%j is no address', (value) => {
  expect(parse(address(), value)).toBe('refused');
});

test('a size is a number of bytes, or text with a unit', () => {
  expect(parse(size(1), 65536)).toBe(65536);
  expect(parse(size(1), '65536')).toBe(65536);
  expect(parse(size(1), '4MiB')).toBe(4 * 1024 * 1024);
  expect(parse(size(1), '1 GiB')).toBe(1024 ** 3);
  for (const value of ['4MB', '4 megabytes', '', '-1', '1.5MiB', '0', 0, true, '99999999999GiB']) {
    expect(parse(size(1), value), String(value)).toBe('refused');
  }
});

test('a count is a whole number from 1 to its maximum', () => {
  expect([parse(count(16), '16'), parse(count(16), 2)]).toEqual([16, 2]);
  for (const value of ['0', '17', '1.5', '-1', 'two', '', 0, 1.5]) {
    expect(parse(count(16), value), String(value)).toBe('refused');
  }
});

test('a duration is a whole number', () => {
  expect(parse(seconds(1), '60')).toBe(60);
  for (const value of ['0', '1.5', '1e3', ' 60', '60s', '', '9'.repeat(20), 0.5, -1, null, undefined]) {
    expect(parse(seconds(1), value), String(value)).toBe('refused');
  }
});

test('a flag is true or false and nothing like it', () => {
  expect([true, 'true', false, 'false'].map((value) => parse(flag(), value))).toEqual([true, true, false, false]);
  for (const value of ['yes', '1', 'TRUE', '', 'toString', 1, 0, null, undefined]) {
    expect(parse(flag(), value), String(value)).toBe('refused');
  }
});

test('a public URL is an origin', () => {
  expect(parse(origin(), 'https://Hub.Example.com/')).toBe('https://hub.example.com');
  expect(parse(origin(), 'http://localhost:8080')).toBe('http://localhost:8080');
  for (const value of ['hub.example.com', 'ftp://a', 'https://a/v2', 'https://a?b', 'https://u:p@a', '', 5]) {
    expect(parse(origin(), value), String(value)).toBe('refused');
  }
});

test('media types are a list or text with commas', () => {
  expect(parse(mediaTypes(), 'application/octet-stream, application/json')).toEqual([
    'application/octet-stream',
    'application/json',
  ]);
  expect(parse(mediaTypes(), ['application/octet-stream'])).toEqual(['application/octet-stream']);
  expect(parse(mediaTypes(), '')).toEqual([]);
  for (const value of ['json', 'a/b; c=d', ['json'], {}, null]) {
    expect(parse(mediaTypes(), value), JSON.stringify(value)).toBe('refused');
  }
});

test('an optional choice may be left out', () => {
  const type = optional(choice('text', 'json'));
  expect(type.expects).toBe('text or json');
  expect(parse(type, undefined)).toBeUndefined();
  expect(parse(type, 'json')).toBe('json');
  expect(parse(type, 'xml')).toBe('refused');
});

test('subnets are addresses and subnets, in a list or in text with commas', () => {
  expect(parse(subnets(), '10.0.0.0/8, ::1,fd00::/8')).toEqual(['10.0.0.0/8', '::1', 'fd00::/8']);
  expect(parse(subnets(), ['127.0.0.1'])).toEqual(['127.0.0.1']);
  expect(parse(subnets(), '')).toEqual([]);
  for (const value of ['localhost', '10.0.0.0/33', '::/129', '10.0.0', '10.0.0.0/', '10.0.0.0/8/8', [8], null]) {
    expect(parse(subnets(), value), JSON.stringify(value)).toBe('refused');
  }
});

test('a URL and a word can stand between quotes in a header', () => {
  expect(parse(url(), 'https://auth.example/token?a=1')).toBe('https://auth.example/token?a=1');
  expect(parse(url(), 'https://auth.example/"x')).toBe('https://auth.example/%22x');
  for (const value of ['auth.example', 'ftp://a/', '', 5]) expect(parse(url(), value), String(value)).toBe('refused');
  expect(parse(word('<word>'), "hub.example:5000'")).toBe("hub.example:5000'");
  for (const value of ['', 'a b', 'a"', 'a\\', 'a\n', 'ä', 5]) {
    expect(parse(word('<word>'), value), String(value)).toBe('refused');
  }
});

test.each([
  ['/internal/blobs/', true],
  ['/x/', true],
  ['/internal/blobs', false],
  ['internal/', false],
  ['/', false],
  ['/a/../', false],
  ['/a/\r\nX: y/', false],
  ['//host/', false],
])('%j is a location: %s', (text, expected) => {
  expect(location().schema.safeParse(text).success).toBe(expected);
});
