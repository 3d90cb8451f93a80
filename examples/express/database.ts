import { DatabaseSync } from 'node:sqlite';

/** Opens the application's own database. The registry's is another file beside it: neither ever opens the other's, and rows are joined by the name of a
 *  repository (`pushes.repository`, whose first part is a project) and by the id of an identity (here: a user's name). */
export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA foreign_keys = ON;
    CREATE TABLE IF NOT EXISTS users (
      name TEXT PRIMARY KEY,
      password TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS api_keys (
      id INTEGER PRIMARY KEY,
      user TEXT NOT NULL REFERENCES users,
      label TEXT NOT NULL,
      hash BLOB NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE IF NOT EXISTS projects (
      name TEXT PRIMARY KEY,
      visibility TEXT NOT NULL CHECK (visibility IN ('public', 'private'))
    ) STRICT;
    CREATE TABLE IF NOT EXISTS members (
      project TEXT NOT NULL REFERENCES projects,
      user TEXT NOT NULL REFERENCES users,
      role TEXT NOT NULL CHECK (role IN ('owner', 'contributor')),
      PRIMARY KEY (project, user)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS pushes (
      repository TEXT NOT NULL,
      tag TEXT NOT NULL,
      user TEXT,
      at_ms INTEGER NOT NULL,
      PRIMARY KEY (repository, tag)
    ) STRICT;
  `);
  return database;
}
