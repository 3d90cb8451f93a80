import { DatabaseSync } from 'node:sqlite';

/** Opens the platform's own database. The registry's is another file beside it, which nothing else opens: rows are joined by the names of repositories, whose first
 *  part is a customer's, and by the id of an identity, which is a customer's name. */
export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS customers (
      name TEXT PRIMARY KEY,
      key_hash BLOB NOT NULL,
      plan TEXT NOT NULL
    ) STRICT;
  `);
  return database;
}
