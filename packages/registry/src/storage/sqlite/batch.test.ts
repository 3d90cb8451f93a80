import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  bytesOf,
  digestOfNumber,
  hourMs,
  keyOf,
  manifestPush,
  pushTo,
  sessionOf,
  startMs,
  toBlob,
} from '../../testing/metadata-store/builders.ts';
import { StorageError } from '../error.ts';
import { compileForSqlite } from '../sql/compile.ts';
import type { Plans } from '../sql/plans.ts';
import { definedBy, type Plan, type Step } from '../sql/statement.ts';
import { createPlans } from '../sql/store.ts';
import { type CommandRequest, commitBatch, fromPlainError, toPlainError } from './batch.ts';
import { type Connection, openConnection } from './connection.ts';
import { migrate } from './migrate.ts';

const plans = createPlans(definedBy(compileForSqlite()));

function openDatabase(): Connection {
  const connection = openConnection(':memory:', { readOnly: false });
  migrate(connection);
  return connection;
}

function* rowsOf(sql: string): Generator<Step, readonly unknown[], readonly unknown[]> {
  return yield { sql, parameters: [] };
}

const query = (connection: Connection, sql: string) => connection.run(rowsOf(sql));

function lease(id: number, holder: string): CommandRequest {
  return {
    id,
    name: 'acquireLease',
    input: [{ name: 'sweep', holder, nowMs: startMs, untilMs: startMs + hourMs }],
  };
}

function open(id: number): CommandRequest {
  const opening = { ...pushTo('acme/web'), session: sessionOf(id), key: keyOf(id), algorithm: 'sha256' };
  return { id, name: 'openUpload', input: [opening] };
}

function putSmall(id: number, repository: string): CommandRequest {
  const content = { digest: digestOfNumber(id), bytes: bytesOf(id), leaseUntilMs: startMs };
  return { id, name: 'putSmallBlob', input: [{ ...pushTo(repository), ...content }] };
}

/** The plans, where the lease's do `work` in its place. */
const leaseBy = (work: () => Plan<boolean>): Plans => ({ ...plans, acquireLease: work });

function* run(...statements: string[]): Plan<boolean> {
  for (const sql of statements) yield { sql, parameters: [] };
  return true;
}

test('commands of a batch run in their order and each sees what those before it did', () => {
  const connection = openDatabase();
  expect(commitBatch(connection, plans, [lease(7, 'first'), lease(8, 'second'), lease(9, 'first')])).toEqual([
    { id: 7, value: true },
    { id: 8, value: false },
    { id: 9, value: true },
  ]);
  expect(query(connection, 'select holder from leases')).toEqual([{ holder: 'first' }]);
});

test('a command that refuses undoes only itself, and its refusal says what was wrong', () => {
  const connection = openDatabase();
  const edges = [toBlob(digestOfNumber(1))];
  const refused: CommandRequest = {
    id: 2,
    name: 'putManifest',
    input: [manifestPush('acme/other', 1, { manifest: { edges } })],
  };
  const outcomes = commitBatch(connection, plans, [open(1), refused, open(3)]);
  expect(outcomes).toMatchObject([
    { id: 1, value: { repositoryId: 1 } },
    { id: 2, error: { code: 'missing-content', detail: [digestOfNumber(1)] } },
    { id: 3, value: { repositoryId: 1 } },
  ]);
  // The refused push had made its repository before it was refused.
  expect(query(connection, 'select name from repositories')).toEqual([{ name: 'acme/web' }]);
  expect(query(connection, 'select count(*) as count from uploads')).toEqual([{ count: 2 }]);
});

test('a bug in one command undoes only that one and is told as a bug, with its stack', () => {
  const connection = openDatabase();
  const buggy = leaseBy(function* () {
    yield* run(`insert into leases values ('sweep', 'alice', 1)`);
    throw new TypeError('planted');
  });
  const [before, bug, after] = commitBatch(connection, buggy, [open(1), lease(2, 'alice'), open(3)]);
  expect([before, after]).toEqual([
    { id: 1, value: { repositoryId: 1 } },
    { id: 3, value: { repositoryId: 1 } },
  ]);
  expect(bug).toMatchObject({ id: 2, error: { code: undefined, message: 'planted' } });
  expect(bug).toHaveProperty('error.stack', expect.stringContaining('batch.test.ts'));
  expect(query(connection, 'select * from leases')).toEqual([]);
});

test('a broken constraint is a bug and no refusal', () => {
  const connection = openDatabase();
  const outcomes = commitBatch(connection, plans, [open(1), open(1)]);
  expect(outcomes).toMatchObject([
    { id: 1, value: { repositoryId: 1 } },
    { error: { code: undefined, message: expect.stringContaining('UNIQUE') } },
  ]);
});

test('a commit that fails fails the whole batch and leaves no trace', () => {
  const connection = openDatabase();
  const orphan = leaseBy(() => run('pragma defer_foreign_keys = on', `insert into tags values (1, 'v1', 77, 1, null)`));
  expect(() => commitBatch(connection, orphan, [open(1), lease(2, 'alice')])).toThrow(
    expect.objectContaining({ code: 'unavailable', message: expect.stringContaining('FOREIGN KEY') }),
  );
  expect(connection.inTransaction()).toBe(false);
  expect(query(connection, 'select * from repositories')).toEqual([]);
  expect(query(connection, 'select * from tags')).toEqual([]);
});

test('while another connection writes, the whole batch is locked out; it can be given again afterwards', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'moorage-batch-'));
  const file = join(directory.path, 'registry.db');
  const [connection, other] = [openConnection(file, { readOnly: false }), openConnection(file, { readOnly: false })];
  migrate(connection);
  connection.exec('pragma busy_timeout = 0');
  other.exec('begin immediate');
  expect(() => commitBatch(connection, plans, [open(1), open(2)])).toThrow(expect.objectContaining({ code: 'locked' }));
  other.exec('rollback');
  expect(commitBatch(connection, plans, [open(1), open(2)])).toMatchObject([{ id: 1, value: {} }, { value: {} }]);
  connection.close();
  other.close();
});

/** Fills the database up to `pages` more than it has, one command a batch, and returns the first failure. */
function fill(connection: Connection, request: (n: number) => CommandRequest): unknown {
  const [{ page_count: pages }] = query(connection, 'pragma page_count') as [{ page_count: number }];
  connection.exec(`pragma max_page_count = ${pages + 2}`);
  for (let n = 1; n < 1000; n += 1) {
    try {
      const [outcome] = commitBatch(connection, plans, [request(n)]);
      if (outcome !== undefined && 'error' in outcome) return fromPlainError(outcome.error);
    } catch (error) {
      return error;
    }
  }
  return undefined;
}

// SQLite ends the transaction under the first and undoes only the statement under the second: https://sqlite.org/lang_transaction.html
for (const [what, request] of [
  ['an upload', open],
  ['a repository', (n: number) => putSmall(n, `acme/${'long'.repeat(20)}-${n}`)],
] as const) {
  test(`a full disk refuses ${what} with no-space, and what fits again is taken`, () => {
    const connection = openDatabase();
    expect(fill(connection, request)).toMatchObject({
      name: 'StorageError',
      code: 'no-space',
      message: expect.stringContaining('Free some disk space'),
    });
    expect(connection.inTransaction()).toBe(false);
    connection.exec('pragma max_page_count = 10000');
    expect(commitBatch(connection, plans, [open(5000)])).toMatchObject([{ id: 5000, value: {} }]);
    expect(query(connection, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  });
}

test('a refusal crosses with its code and detail, a bug as an error of no code; both keep their stack', () => {
  const refusal = new StorageError('in-use', 'A manifest names it.', { detail: ['sha256:1'] });
  const crossed = fromPlainError(structuredClone(toPlainError(refusal)));
  expect(crossed).toBeInstanceOf(StorageError);
  expect(crossed).toMatchObject({ code: 'in-use', message: refusal.message, detail: ['sha256:1'] });
  expect(crossed.stack).toBe(refusal.stack);
  const bug = new RangeError('planted');
  const crossedBug = fromPlainError(structuredClone(toPlainError(bug)));
  expect(crossedBug).not.toBeInstanceOf(StorageError);
  expect(crossedBug.stack).toBe(bug.stack);
  expect(fromPlainError(toPlainError('a string')).message).toBe('a string');
});
