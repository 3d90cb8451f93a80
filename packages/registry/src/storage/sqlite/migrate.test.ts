import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { migrations } from '../sql/migrations.ts';
import type { Step } from '../sql/statement.ts';
import { type Connection, openConnection } from './connection.ts';
import { migrate } from './migrate.ts';

function* rowsOf(sql: string): Generator<Step, readonly unknown[], readonly unknown[]> {
  return yield { sql, parameters: [] };
}

const versionOf = (connection: Connection) => connection.run(rowsOf('pragma user_version'));

/** Every table and index as it was made. */
const schemaOf = (connection: Connection) =>
  connection.run(rowsOf('select name, sql from sqlite_schema order by name'));

const newest = [{ user_version: migrations.length }];

/** Runs `work` with the path of a file that is not there yet. */
async function withFile(work: (file: string, directory: string) => Promise<void> | void): Promise<void> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'moorage-migrate-'));
  await work(join(directory.path, 'registry.db'), directory.path);
}

test('a new database comes to the newest version, and stays there when it is opened again', () =>
  withFile((file) => {
    const connection = openConnection(file, { readOnly: false });
    migrate(connection);
    const schema = schemaOf(connection);
    expect(versionOf(connection)).toEqual(newest);
    migrate(connection);
    expect(versionOf(connection)).toEqual(newest);
    expect(schemaOf(connection)).toEqual(schema);
    connection.close();
  }));

test('a step that fails at its end leaves the database as it was, and succeeds once its obstacle is gone', () => {
  const connection = openConnection(':memory:', { readOnly: false });
  connection.exec('create table leases (obstacle)');
  const before = schemaOf(connection);
  expect(() => migrate(connection)).toThrow('leases');
  expect(connection.inTransaction()).toBe(false);
  expect(schemaOf(connection)).toEqual(before);
  expect(versionOf(connection)).toEqual([{ user_version: 0 }]);
  connection.exec('drop table leases');
  migrate(connection);
  expect(versionOf(connection)).toEqual(newest);
});

test('a disk that is full in the middle of a step leaves the database as it was', () => {
  const connection = openConnection(':memory:', { readOnly: false });
  connection.exec('pragma max_page_count = 10');
  expect(() => migrate(connection)).toThrow('full');
  expect(connection.inTransaction()).toBe(false);
  expect(schemaOf(connection)).toEqual([]);
  expect(versionOf(connection)).toEqual([{ user_version: 0 }]);
});

test('the database of a newer program is refused with what to do, and nothing in it is touched', () => {
  const connection = openConnection(':memory:', { readOnly: false });
  connection.exec(`pragma user_version = ${migrations.length + 1}`);
  expect(() => migrate(connection)).toThrow(
    expect.objectContaining({
      name: 'StorageError',
      code: 'unavailable',
      message: expect.stringContaining('newer Moorage'),
    }),
  );
  expect(schemaOf(connection)).toEqual([]);
});

/** A connection on which `work` is done by another just before the first lock is taken. */
function overtaken(connection: Connection, work: () => void): Connection {
  let isFirst = true;
  return {
    ...connection,
    exec(sql) {
      if (isFirst && sql === 'begin immediate') {
        isFirst = false;
        work();
      }
      connection.exec(sql);
    },
  };
}

test('a step that another process took while this one waited for the lock is not taken again', () =>
  withFile((file) => {
    const [late, other] = [openConnection(file, { readOnly: false }), openConnection(file, { readOnly: false })];
    migrate(overtaken(late, () => migrate(other)));
    expect(versionOf(late)).toEqual(newest);
    expect(late.inTransaction()).toBe(false);
    late.close();
    other.close();
  }));

test('a newer program that came first while this one waited for the lock is noticed', () =>
  withFile((file) => {
    const [late, other] = [openConnection(file, { readOnly: false }), openConnection(file, { readOnly: false })];
    const overtake = () => other.exec(`pragma user_version = ${migrations.length + 1}`);
    expect(() => migrate(overtaken(late, overtake))).toThrow('newer');
    expect(late.inTransaction()).toBe(false);
    expect(schemaOf(late)).toEqual([]);
    late.close();
    other.close();
  }));

test('processes that begin at once on a new file all find it ready', () =>
  withFile(async (file, directory) => {
    const program = join(directory, 'program.mjs');
    await writeFile(
      program,
      `import { openWriter } from '${new URL('./writer-thread.ts', import.meta.url)}';
       openWriter(process.argv[2]).close();
       console.log('ready');`,
    );
    const endings = [1, 2].map(async () => {
      const child = spawn(process.execPath, ['-C', 'moorage-source', program, file], {
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: 20_000,
      });
      const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
      return { printed, code };
    });
    expect(await Promise.all(endings)).toEqual([1, 2].map(() => ({ printed: 'ready\n', code: 0 })));
    const connection = openConnection(file, { readOnly: true });
    expect(versionOf(connection)).toEqual(newest);
    connection.close();
  }));
