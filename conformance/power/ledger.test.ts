import { deepEqual } from 'node:assert/strict';
import { test } from 'vitest';
import { type Cell, createLedger, type Fact, seen } from './ledger.ts';

const cell: Cell = { kind: 'tag', repository: 'a', name: 'latest' };
const [one, two, three] = ['sha256:1', 'sha256:2', 'sha256:3'] as const;
const promised = ({ promisedBy }: Fact) => promisedBy !== undefined;

test('what was promised last is what must be there', () => {
  const ledger = createLedger();
  for (const [state, promisedBy] of [
    [one, 'r1'],
    ['absent', 'r2'],
  ] as const)
    for (const fact of ledger.ask([[cell, state]])) fact.promisedBy = promisedBy;
  deepEqual([...ledger.allowed(cell, promised)], ['absent']);
});

test('one change may have been under way, and no later one', () => {
  const ledger = createLedger();
  for (const [state, promisedBy] of [
    [one, 'r1'],
    [two, 'r2'],
    [three, 'r3'],
  ] as const)
    for (const fact of ledger.ask([[cell, state]])) fact.promisedBy = promisedBy;
  deepEqual([...ledger.allowed(cell, ({ promisedBy }) => promisedBy === 'r1')], [one, two]);
});

test('what nobody answered may be there, and so may what was asked for next', () => {
  const ledger = createLedger();
  for (const [state, promisedBy] of [
    [one, undefined],
    [two, seen],
    [three, 'r3'],
  ] as const)
    for (const fact of ledger.ask([[cell, state]])) fact.promisedBy = promisedBy;
  deepEqual([...ledger.allowed(cell, () => false)], ['absent', one, two, three]);
});
