import { expect, test } from 'vitest';
import { ExitError } from '../exit-error.ts';
import { parseActionList, parseDuration } from './token-options.ts';

test.each([
  ['1s', 1],
  ['30m', 1800],
  ['12h', 43_200],
  ['90d', 7_776_000],
])('%s is %i seconds', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.each(['', '30', 'd', '0d', '-1d', '1.5h', '30 d', '1w', '99999d', '30D'])('%j is no time to expire', (text) => {
  expect(() => parseDuration(text)).toThrow(ExitError);
});

test.each([
  ['pull', ['pull']],
  ['delete, pull,pull', ['pull', 'delete']],
])('%j are the actions %j', (text, actions) => {
  expect(parseActionList(text)).toEqual(actions);
});

test.each(['', 'pull,', 'manage', '*', 'Pull'])('%j are no actions', (text) => {
  expect(() => parseActionList(text)).toThrow(ExitError);
});
