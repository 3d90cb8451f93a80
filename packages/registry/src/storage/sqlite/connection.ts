import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { StorageError } from '../error.ts';
import type { Plan, Step } from '../sql/statement.ts';

/** Oldest SQLite without the race in WAL that can corrupt a database. */
const oldestVersion = [3, 51, 3] as const;

/** How long a statement waits for another process's transaction, in ms. */
const busyTimeoutMs = 5000;

/** Primary result codes of SQLite (https://sqlite.org/rescode.html). */
const resultCodes = { busy: 5, readOnly: 8, full: 13 } as const;

/** One connection with its prepared statements. */
export interface Connection {
  /** Runs a plan to its end, in the transaction that is open, or each statement by itself where there is none. */
  run<Result>(plan: Plan<Result>): Result;
  /** Runs a plan that changes nothing, all its statements on one state of the database. */
  read<Result>(plan: Plan<Result>): Result;
  /** A number that is another one after each commit of another connection, in this process or another. */
  dataVersion(): unknown;
  exec(sql: string): void;
  /** Whether a transaction is open. */
  inTransaction(): boolean;
  close(): void;
}

/** Opens `file`, with SQLite's options where it is a URL, or a database of its own in memory for `:memory:`. Throws a `StorageError` that says what to do. */
export function openConnection(file: string | URL, options: { readonly readOnly: boolean }): Connection {
  const database = openDatabase(file, options.readOnly);
  const prepared = new Map<string, StatementSync>();

  function execute({ sql, parameters }: Step): readonly unknown[] {
    let statement = prepared.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql);
      prepared.set(sql, statement);
    }
    return statement.all(...(parameters as readonly SQLInputValue[]));
  }

  function run<Result>(plan: Plan<Result>): Result {
    let step = plan.next([]);
    while (!step.done) step = plan.next(execute(step.value));
    return step.value;
  }

  return {
    run,
    read(plan) {
      execute({ sql: 'begin', parameters: [] });
      try {
        return run(plan);
      } finally {
        execute({ sql: 'commit', parameters: [] });
      }
    },
    dataVersion: () =>
      (execute({ sql: 'pragma data_version', parameters: [] })[0] as { data_version: unknown }).data_version,
    exec: (sql) => database.exec(sql),
    inTransaction: () => database.isTransaction,
    close() {
      prepared.clear();
      database.close();
    },
  };
}

function openDatabase(file: string | URL, readOnly: boolean): DatabaseSync {
  try {
    const database = new DatabaseSync(file, { readOnly, enableForeignKeyConstraints: true, timeout: busyTimeoutMs });
    refuseOldSqlite(database);
    return database;
  } catch (error) {
    throw error instanceof StorageError ? error : toStorageError(error, `Cannot open the database ${file}`);
  }
}

function refuseOldSqlite(database: DatabaseSync): void {
  const { version } = database.prepare('select sqlite_version() as version').get() as { version: string };
  const parts = version.split('.').map(Number);
  const difference = oldestVersion.map((wanted, i) => (parts[i] ?? 0) - wanted).find((d) => d !== 0) ?? 0;
  if (difference < 0) {
    database.close();
    throw new StorageError(
      'unavailable',
      `This Node carries SQLite ${version}, which can corrupt a database; ${oldestVersion.join('.')} is needed. Use Node 22.23, 24.15, 26 or newer.`,
    );
  }
}

/** An error of SQLite as what it means to the registry. */
export function toStorageError(error: unknown, context: string): StorageError {
  const { errcode, message } = error as { errcode?: number; message?: string };
  const said = `${context}: ${message ?? String(error)}`;
  switch ((errcode ?? 0) & 0xff) {
    case resultCodes.full:
      return new StorageError('no-space', `${said}. Free some disk space.`, { cause: error });
    case resultCodes.readOnly:
      return new StorageError('unavailable', `${said}. Make the file and its directory writable.`, { cause: error });
    case resultCodes.busy:
      return new StorageError('locked', `${said}. Another process holds it; try again.`, { cause: error });
    default:
      return new StorageError('unavailable', said, { cause: error });
  }
}
