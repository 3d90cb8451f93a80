import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openWorld, readOtherTable, readTable, type Table, toMarkdown } from './access/table.ts';
import type { UserRegistry } from './access/users.ts';

const file = new URL('../../../docs/access.md', import.meta.url);
const [begin, end] = ['<!-- begin of the table -->\n', '<!-- end of the table -->'];

const worlds = await Promise.all([...Array<'anyone'>(4).fill('anyone'), 'administrators' as const].map(openWorld));
const [first, second, third, fourth, closed] = worlds as [
  UserRegistry,
  UserRegistry,
  UserRegistry,
  UserRegistry,
  UserRegistry,
];
const other = await readOtherTable(first, 'On no repository');
const publicTable = await readTable(second, 'public', 'A public repository');
const privateTable = await readTable(third, 'private', 'A private repository');
const missingTable = await readTable(
  fourth,
  'none',
  'No repository of that name, where anyone who is logged in may make it',
);
const closedTable = await readTable(
  closed,
  'none',
  'No repository of that name, where administrators alone may make it',
);
const tables = [other, publicTable, privateTable, missingTable, closedTable];

const rowsOf = ({ rows }: Table, ...whom: readonly string[]) =>
  rows.filter(({ caller }) => whom.length === 0 || whom.includes(caller.who));

test('what every role gets on every route is what docs/access.md says (UPDATE=1 writes it)', async () => {
  const text = await readFile(file, 'utf8');
  const [before = '', rest = ''] = text.split(begin);
  const [written = '', after = ''] = rest.split(end);
  const table = `\n${toMarkdown(tables)}\n`;
  if (process.env['UPDATE'] === '1') await writeFile(file, before + begin + table + end + after);
  else expect(written).toBe(table);
});

test('nothing of the table was a fault of the registry', () => {
  expect(worlds.flatMap(({ faults }) => faults)).toEqual([]);
});

test('whose credentials are not good is 401 on every route that asks for somebody', () => {
  const bad = [
    'wrong password',
    'expired',
    'revoked',
    'disabled',
    "owner's, of another registry",
    'forged',
    '`alg: none`',
    'own `jwk`',
  ];
  for (const table of tables) {
    for (const { caller, cells } of rowsOf(table, ...bad)) {
      const asked = cells.filter((_, at) => table.routes[at]?.action !== 'none');
      expect([table.title, caller.who, caller.shows, asked.map(({ text }) => text)]).toEqual([
        table.title,
        caller.who,
        caller.shows,
        asked.map(() => '401'),
      ]);
    }
  }
});

test('a token of another repository is of no use on this one, and is told which one would be', () => {
  for (const table of [publicTable, privateTable, missingTable, closedTable]) {
    const texts = rowsOf(table, "owner's, of another repository").flatMap(({ cells }) => cells.map(({ text }) => text));
    expect(new Set(texts)).toEqual(new Set(['401 scope']));
  }
});

test('who may not see a private repository gets the same as where there is none, on every route and word by word', () => {
  const blind = ['anonymous', 'stranger', "owner's, of another repository"];
  const [hidden, missing] = [privateTable, closedTable].map((table) =>
    rowsOf(table, ...blind).map(({ caller, cells }) => [caller.who, caller.shows, cells]),
  );
  expect(hidden).toHaveLength(5);
  expect(hidden).toEqual(missing);
});

test('who may make a repository reads of one that is private what they read of none', () => {
  const reads = privateTable.routes.flatMap(({ action }, at) => (action === 'pull' ? [at] : []));
  const [hidden, missing] = [privateTable, missingTable].map((table) =>
    rowsOf(table, 'stranger').map(({ cells }) => reads.map((at) => cells[at])),
  );
  expect(hidden?.flat()).toHaveLength(8);
  expect(hidden).toEqual(missing);
});

test('no route refuses an owner or an administrator, and none lets a wider role less do than a narrower one', () => {
  const order = ['stranger', 'reader', 'contributor', 'owner', 'administrator'];
  for (const table of [publicTable, privateTable]) {
    const allowed = order.map((who) =>
      rowsOf(table, who).map(({ cells }) => cells.map(({ text }) => Number(text.slice(0, 3)) < 400)),
    );
    for (const [at, wider] of allowed.entries()) {
      for (const [by, cells] of wider.entries()) {
        const narrower = allowed[at - 1]?.[by] ?? [];
        expect(narrower.every((isAllowed, column) => !isAllowed || cells[column])).toBe(true);
      }
    }
    expect(allowed.slice(-2).flat(2)).toEqual(Array(4 * table.routes.length).fill(true));
  }
});

test('a refused write is told with an owner to those who may see the repository, and to nobody else', () => {
  const tells = (table: Table, who: string) =>
    rowsOf(table, who).some(({ cells }) => cells.some(({ refusal }) => refusal.includes('Ask an owner')));
  expect(tells(privateTable, 'stranger')).toBe(false);
  expect(tells(privateTable, 'anonymous')).toBe(false);
  expect(tells(privateTable, 'reader')).toBe(true);
  expect(tells(publicTable, 'stranger')).toBe(true);
});
