import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SqlValue, Step } from '../sql/statement.ts';
import { type Connection, openConnection, toStorageError } from './connection.ts';

function* rowsOf(
  sql: string,
  parameters: readonly SqlValue[] = [],
): Generator<Step, readonly unknown[], readonly unknown[]> {
  return yield { sql, parameters };
}

const query = (connection: Connection, sql: string, ...parameters: SqlValue[]) =>
  connection.run(rowsOf(sql, parameters));

/** What `work` throws. */
function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Runs `work` with a connection that writes to a new file. */
async function withFile(work: (opened: { writing: Connection; file: string }) => void): Promise<void> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'moorage-connection-'));
  const file = join(directory.path, 'registry.db');
  const writing = openConnection(file, { readOnly: false });
  writing.exec('pragma journal_mode = wal; create table numbers (n integer primary key) strict');
  work({ writing, file });
  writing.close();
}

test('a plan runs to its end: each step gets the rows of the one before', () => {
  const connection = openConnection(':memory:', { readOnly: false });
  connection.exec('create table contents (n integer primary key, bytes blob) strict');
  function* plan(): Generator<Step, unknown, readonly unknown[]> {
    const [made] = (yield {
      sql: 'insert into contents (bytes) values (?) returning n',
      parameters: [new Uint8Array([1, 2])],
    }) as readonly { n: number }[];
    return (yield { sql: 'select bytes from contents where n = ?', parameters: [made?.n ?? null] })[0];
  }
  expect(connection.run(plan())).toEqual({ bytes: new Uint8Array([1, 2]) });
  expect(connection.run(plan())).toEqual({ bytes: new Uint8Array([1, 2]) });
});

test('a prepared statement goes on after the tables changed', () => {
  const connection = openConnection(':memory:', { readOnly: false });
  connection.exec('create table numbers (n integer primary key)');
  expect(query(connection, 'select * from numbers')).toEqual([]);
  connection.exec('alter table numbers add column name text; insert into numbers values (1, null)');
  expect(query(connection, 'select * from numbers')).toEqual([{ n: 1, name: null }]);
});

test('foreign keys are held', () => {
  const connection = openConnection(':memory:', { readOnly: false });
  connection.exec('create table parents (id integer primary key); create table children (p references parents)');
  expect(() => query(connection, 'insert into children values (?)', 7)).toThrow('FOREIGN KEY');
});

test('it says whether a transaction is open', () => {
  const connection = openConnection(':memory:', { readOnly: false });
  connection.exec('begin');
  expect(connection.inTransaction()).toBe(true);
  connection.exec('commit');
  expect(connection.inTransaction()).toBe(false);
});

test('a reader sees what was committed, also after it looked before, and cannot write', () =>
  withFile(({ writing, file }) => {
    const reading = openConnection(file, { readOnly: true });
    expect(query(reading, 'select * from numbers')).toEqual([]);
    writing.exec('begin immediate; insert into numbers values (1)');
    expect(query(reading, 'select * from numbers')).toEqual([]);
    writing.exec('commit');
    expect(query(reading, 'select * from numbers')).toEqual([{ n: 1 }]);
    const refusal = errorOf(() => reading.exec('insert into numbers values (2)'));
    expect(toStorageError(refusal, 'Writing failed')).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^Writing failed: .*Make the file and its directory writable\.$/),
      cause: refusal,
    });
    reading.close();
  }));

test('a read sees one state of the database in all its steps, and the next read the newest', () =>
  withFile(({ writing, file }) => {
    const reading = openConnection(file, { readOnly: true });
    const count: Step = { sql: 'select count(*) as count from numbers', parameters: [] };
    function* twice(): Generator<Step, unknown, readonly unknown[]> {
      const before = yield count;
      writing.exec('insert into numbers values (null)');
      return [before, yield count];
    }
    expect(reading.read(twice())).toEqual([[{ count: 0 }], [{ count: 0 }]]);
    expect(reading.read(twice())).toEqual([[{ count: 1 }], [{ count: 1 }]]);
    reading.close();
  }));

test('a read that fails leaves no transaction open', () => {
  const connection = openConnection(':memory:', { readOnly: false });
  expect(() => connection.read(rowsOf('select * from nowhere'))).toThrow('nowhere');
  expect(connection.inTransaction()).toBe(false);
});

test('a reader makes no file: what is not there is refused with a sentence that names it', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'moorage-connection-'));
  const file = join(directory.path, 'registry.db');
  expect(() => openConnection(file, { readOnly: true })).toThrow(
    expect.objectContaining({ name: 'StorageError', code: 'unavailable', message: expect.stringContaining(file) }),
  );
});

test('the lock of another connection is locked', () =>
  withFile(({ writing, file }) => {
    const other = openConnection(file, { readOnly: false });
    writing.exec('begin immediate');
    other.exec('pragma busy_timeout = 0');
    const refusal = errorOf(() => other.exec('begin immediate'));
    expect(toStorageError(refusal, 'Writing failed')).toMatchObject({ code: 'locked', cause: refusal });
    writing.exec('commit');
    other.close();
  }));

test('a snapshot that is too old to write on is locked, though its code is an extended one', () =>
  withFile(({ writing, file }) => {
    const other = openConnection(file, { readOnly: false });
    other.exec('begin');
    expect(query(other, 'select * from numbers')).toEqual([]);
    writing.exec('insert into numbers values (1)');
    const refusal = errorOf(() => other.exec('insert into numbers values (2)'));
    expect(refusal).toMatchObject({ errcode: 5 + 2 * 256 });
    expect(toStorageError(refusal, 'Writing failed').code).toBe('locked');
    other.close();
  }));

test('a database that may not grow is a full disk', () => {
  const connection = openConnection(':memory:', { readOnly: false });
  connection.exec('create table contents (bytes blob); pragma max_page_count = 3');
  const refusal = errorOf(() => connection.exec('insert into contents values (zeroblob(100000))'));
  expect(toStorageError(refusal, 'Writing failed')).toMatchObject({
    code: 'no-space',
    message: 'Writing failed: database or disk is full. Free some disk space.',
  });
});

test('anything else is unavailable, whatever was thrown', () => {
  const connection = openConnection(':memory:', { readOnly: false });
  const wrong = errorOf(() => connection.exec('select from'));
  expect(toStorageError(wrong, 'Reading failed')).toMatchObject({ code: 'unavailable', cause: wrong });
  expect(toStorageError('a string', 'Reading failed').message).toBe('Reading failed: a string');
});
