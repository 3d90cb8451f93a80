import { expect, test } from 'vitest';
import { blocksOf, changed } from './blocks.ts';

test('a block belongs to the file that the paragraph before it names, and to its step', () => {
  const markdown =
    '## 1. One\n\nText about `b.js`. Make `a.js`:\n\n```js\na();\n```\n\n## 2. Two\n\nChange `b.js`:\n\n```diff\n-b\n+c\n```\n\n```diff\n+d\n```\n';
  expect(blocksOf(markdown)).toEqual([
    { kind: 'file', step: '1. One', file: 'a.js', text: 'a();\n' },
    { kind: 'change', step: '2. Two', file: 'b.js', text: '-b\n+c\n' },
    { kind: 'change', step: '2. Two', file: 'b.js', text: '+d\n' },
  ]);
});

test('what commands print stands in the block behind them; languages that nobody runs are left out', () => {
  const markdown = '## One\n\n```nginx\nserver {}\n```\n\n```bash\ncurl x\n```\n\nIt says:\n\n```text\na\nb\n```\n';
  expect(blocksOf(markdown)).toEqual([{ kind: 'commands', step: 'One', text: 'curl x\n', output: ['a', 'b'] }]);
});

test.each([
  ['a file that is not named', '## One\n\n```js\na();\n```\n', 'before any file is named'],
  ['an output without commands', '## One\n\n```text\na\n```\n', 'without commands before it'],
])('%s is refused', (_, markdown, message) => {
  expect(() => blocksOf(markdown)).toThrow(message);
});

test('a change puts its lines in the place of those that it names', () => {
  expect(changed('a\n\nb\nc\n', ' a\n\n-b\n+B\n+D\n')).toBe('a\n\nB\nD\nc\n');
});

test.each([
  ['are not there', 'a\n', ' b\n+c\n'],
  ['are there twice', 'a\na\n', ' a\n+c\n'],
])('a change whose lines %s is refused', (_, before, change) => {
  expect(() => changed(before, change)).toThrow('do not stand there once');
});
