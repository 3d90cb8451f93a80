import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { StorageError } from '@moorage/registry';
import { rememberFound } from './found-rows.ts';

const busyTimeoutMs = 5000;

/** Each step brings the tables from the version of its index to the next one. A step that was released is never changed. */
const migrations = [
  `create table users (
     name text primary key,
     password_hash text not null,
     is_admin integer not null,
     is_disabled integer not null default 0,
     created_ms integer not null,
     -- When the password was set: what was given for an older one is refused.
     since_ms integer not null
   ) strict, without rowid;
   create table groups (name text primary key, created_ms integer not null) strict, without rowid;
   create table memberships (
     user_name text not null references users (name) on delete cascade,
     group_name text not null references groups (name) on delete cascade,
     primary key (user_name, group_name)
   ) strict, without rowid;
   create index memberships_of_group on memberships (group_name, user_name);`,
  `create table people (
     name text primary key,
     issuer text not null,
     subject text not null,
     groups text not null,
     settings text not null,
     created_ms integer not null,
     seen_ms integer not null
   ) strict, without rowid;`,
];

/** A row as SQLite returns it. */
export type Row = Readonly<Record<string, unknown>>;

/** A connection with its prepared statements. */
export interface Database {
  find(sql: string, ...values: Value[]): Row | undefined;
  /** As `find`, from memory where nothing was changed since. */
  recall(sql: string, ...values: Value[]): Row | undefined;
  list(sql: string, ...values: Value[]): readonly Row[];
  /** Whether a row changed. The change has survived a power cut when it returns. */
  change(sql: string, ...values: Value[]): boolean;
  /** Runs `act` in one transaction, which holds the lock for writing from its start; what throws changes nothing. */
  transaction<Result>(act: () => Result): Result;
  close(): void;
}

type Value = string | number;

/** Opens the accounts in `file`, which other processes may have open, too; makes it, readable for its owner alone, where there is none.
 *  Throws a `StorageError` that says what is wrong. */
export function openDatabase(file: string): Database {
  let connection: DatabaseSync | undefined;
  try {
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
    connection = new DatabaseSync(file, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true });
    refuseNewer(createDatabase(connection));
    connection.exec('pragma journal_mode = wal; pragma synchronous = full');
    const database = createDatabase(connection);
    migrate(connection, database);
    return database;
  } catch (error) {
    connection?.close();
    throw toStorageError(error, file);
  }
}

/** Refuses accounts that a newer Moorage wrote, and changes nothing; success where there are none. Throws a `StorageError` that says what is wrong. */
export function refuseNewerAccounts(file: string): void {
  if (!existsSync(file)) return;
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(file, { timeout: busyTimeoutMs });
    refuseNewer(createDatabase(connection));
  } catch (error) {
    throw toStorageError(error, file);
  } finally {
    connection?.close();
  }
}

function toStorageError(cause: unknown, file: string): StorageError {
  if (cause instanceof StorageError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StorageError('unavailable', `Cannot open the accounts in ${file}: ${reason}.`, { cause });
}

function createDatabase(connection: DatabaseSync): Database {
  const prepared = new Map<string, StatementSync>();
  function prepare(sql: string): StatementSync {
    const statement = prepared.get(sql) ?? connection.prepare(sql);
    prepared.set(sql, statement);
    return statement;
  }

  const find: Database['find'] = (sql, ...values) => prepare(sql).get(...values);
  const found = rememberFound(find, () => find('pragma data_version')?.['data_version']);
  return {
    find,
    recall: found.find,
    list: (sql, ...values) => prepare(sql).all(...values),
    change(sql, ...values) {
      found.forget();
      return Number(prepare(sql).run(...values).changes) > 0;
    },
    transaction(act) {
      found.forget();
      connection.exec('begin immediate');
      try {
        const result = act();
        connection.exec('commit');
        return result;
      } catch (error) {
        if (connection.isTransaction) connection.exec('rollback');
        throw error;
      }
    },
    close() {
      prepared.clear();
      connection.close();
    },
  };
}

/** The version of the accounts; a `StorageError` where it is a newer program's. */
function refuseNewer({ find }: Database): number {
  const version = Number(find('pragma user_version')?.['user_version']);
  if (version <= migrations.length) return version;
  throw new StorageError(
    'unavailable',
    `The accounts have version ${version}, and this program knows versions up to ${migrations.length}: a newer Moorage wrote them. Use that one, or restore a backup.`,
  );
}

function migrate(connection: DatabaseSync, database: Database): void {
  database.transaction(() => {
    const version = refuseNewer(database);
    for (const sql of migrations.slice(version)) connection.exec(sql);
    if (version < migrations.length) connection.exec(`pragma user_version = ${migrations.length}`);
  });
}
