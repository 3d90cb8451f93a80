import { expect, test } from 'vitest';
import { formatTime, table } from './table.ts';

test('columns are as wide as their widest cell, and lines end where their text does', () => {
  const rows = [
    ['alice', ''],
    ['bo', 'x'],
  ];
  expect(table(['name', 'groups'], rows, 'None.')).toEqual(['NAME   GROUPS', 'alice', 'bo     x']);
});

test('without a row there is a sentence', () => {
  expect(table(['name'], [], 'None.')).toEqual(['None.']);
});

test('what could move the cursor of a terminal is no more than a question mark', () => {
  expect(table(['name'], [['a\u001b[2J\nb']], 'None.')).toEqual(['NAME', 'a?[2J?b']);
});

test('a time is in UTC, to the second', () => {
  expect(formatTime(1999)).toBe('1970-01-01T00:00:01Z');
});
