import { DatabaseSync } from 'node:sqlite';

/** Opens the hub's own database. The registry's is another file beside it, which nothing else opens: rows are joined by the names of repositories and the ids of identities. */
export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS cards (
      repository TEXT PRIMARY KEY,
      tag TEXT NOT NULL,
      title TEXT NOT NULL,
      description TEXT NOT NULL,
      licenses TEXT NOT NULL,
      kind TEXT NOT NULL,
      size_bytes INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS pulls (
      repository TEXT NOT NULL,
      user TEXT NOT NULL,
      count INTEGER NOT NULL,
      PRIMARY KEY (repository, user)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS approvals (
      repository TEXT NOT NULL,
      user TEXT NOT NULL,
      is_approved INTEGER NOT NULL,
      PRIMARY KEY (repository, user)
    ) STRICT;
  `);
  return database;
}
