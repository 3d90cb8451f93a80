import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';

const known = ['listen', 'data', 'open', 'uploads.ttlSeconds', 'uploads.contentTypes', 'log.level'];

test.each([
  ['lisen', 'listen'],
  ['date', 'data'],
  ['LISTEN', 'listen'],
  ['uploads.ttl', 'uploads.ttlSeconds'],
  ['uploads.contentType', 'uploads.contentTypes'],
  ['uploads', 'uploads.ttlSeconds'],
  ['log', 'log.level'],
])('%s is nearest to %s', (word, expected) => {
  expect(nearest(word, known)).toBe(expected);
});
