import { expect, test } from 'vitest';
import { countThreads } from './count-threads.ts';

const files = { kind: 'files' } as never;

test.each([
  [{}, { cores: 3, platform: 'linux' }, 3],
  [{}, { cores: 64, platform: 'linux' }, 4],
  [{ threads: 12 }, { cores: 2, platform: 'linux' }, 12],
  [{ tls: files }, { cores: 8, platform: 'linux' }, 1],
  [{}, { cores: 8, platform: 'darwin' }, 1],
  [{ threads: 1, tls: files }, { cores: 8, platform: 'darwin' }, 1],
] as const)('settings %j on %j: %i', (settings, host, expected) => {
  expect(countThreads({ threads: undefined, tls: undefined, ...settings }, host)).toBe(expected);
});

test.each([
  [files, 'linux', /^With tls one thread/],
  [undefined, 'darwin', /this is darwin: take threads away/],
] as const)('several are refused with tls %j on %s', (tls, platform, sentence) => {
  expect(() => countThreads({ threads: 2, tls }, { platform })).toThrow(sentence);
});
