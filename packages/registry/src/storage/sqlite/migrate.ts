import { StorageError } from '../error.ts';
import { migrations } from '../sql/migrations.ts';
import type { Step } from '../sql/statement.ts';
import type { Connection } from './connection.ts';

/** Brings the database to the newest version, each step in a transaction of its own. A database that a newer program wrote is refused
 *  before anything in it is touched. */
export function migrate(connection: Connection): void {
  for (let version = readVersion(connection); version < migrations.length; version += 1) {
    connection.exec('begin immediate');
    try {
      // Another process may have taken the same step while this one waited for the lock.
      if (readVersion(connection) === version) {
        for (const sql of migrations[version] ?? []) connection.exec(sql);
        connection.exec(`pragma user_version = ${version + 1}`);
      }
      connection.exec('commit');
    } catch (error) {
      if (connection.inTransaction()) connection.exec('rollback');
      throw error;
    }
  }
}

/** The version of the database. Refuses one that a newer program wrote as `unavailable`. */
export function readVersion(connection: Connection): number {
  const version = connection.run(userVersion());
  if (version > migrations.length) {
    throw new StorageError(
      'unavailable',
      `The database has version ${version}, and this program knows versions up to ${migrations.length}: a newer Moorage wrote it. Use that one, or restore a backup.`,
    );
  }
  return version;
}

function* userVersion(): Generator<Step, number, readonly unknown[]> {
  const [row] = (yield { sql: 'pragma user_version', parameters: [] }) as readonly { user_version: number }[];
  return row?.user_version ?? 0;
}
