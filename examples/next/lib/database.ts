import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';

declare global {
  var applicationDatabase: DatabaseSync | undefined;
}

/** Where the application and the registry keep their data. */
export const directory = process.env.DATA ?? 'data';

/** The application's own tables, beside the registry's. Opened when they are asked for, since a build reads this file, too. */
export function database(): DatabaseSync {
  globalThis.applicationDatabase ??= open();
  return globalThis.applicationDatabase;
}

function open(): DatabaseSync {
  mkdirSync(directory, { recursive: true });
  const opened = new DatabaseSync(join(directory, 'application.db'));
  opened.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, key_hash TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS sessions (hash TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users (name)) STRICT;
    CREATE TABLE IF NOT EXISTS projects (name TEXT PRIMARY KEY, owner TEXT NOT NULL REFERENCES users (name)) STRICT;
    CREATE TABLE IF NOT EXISTS members (
      project TEXT NOT NULL REFERENCES projects (name), user TEXT NOT NULL REFERENCES users (name), PRIMARY KEY (project, user)
    ) STRICT;
  `);
  return opened;
}
