import { expect, test } from 'vitest';
import { ExitError } from '../../exit-error.ts';
import { parseHelmIgnore } from './helm-ignore.ts';

test.each([
  ['*.bak', 'a/b.bak', true],
  ['*.bak', 'a/b.bak.txt', false],
  ['/root.txt', 'root.txt', true],
  ['/root.txt', 'a/root.txt', false],
  ['a/*.txt', 'a/b.txt', true],
  ['a/*.txt', 'c/a/b.txt', false],
  ['a/*.txt', 'a/b/c.txt', false],
  ['file?', 'file1', true],
  ['file?', 'file', false],
  ['file[0-9]', 'file7', true],
  ['file[^0-9]', 'file7', false],
  ['file[^0-9]', 'fileé', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'axb', false],
  ['(.+)+$', 'x', false],
  ['# *', 'x', false],
  ['  spaced.txt  ', 'spaced.txt', true],
  ['', 'templates/.hidden', true],
  ['', 'templates/shown', false],
])('%j on %s is %s', (text, path, ignored) => {
  expect(parseHelmIgnore(`${text}\r\n`)(path, false)).toBe(ignored);
});

test('a pattern with / at its end is for directories', () => {
  const ignored = parseHelmIgnore('build/');
  expect(ignored('src/build', true)).toBe(true);
  expect(ignored('src/build', false)).toBe(false);
});

test.each(['!keep', 'a/**/b', 'file[', 'file[z-a]'])('%j is refused', (text) => {
  expect(() => parseHelmIgnore(text)).toThrow(ExitError);
});
