import type { DatabaseSync } from 'node:sqlite';

/** Who pushed a tag last. */
export interface Push {
  /** Undefined: not known. */
  readonly user: string | undefined;
  readonly at: Date;
}

/** What the application remembers of pushes, by the names that the registry uses: a page joins it with the tags that there are now. */
export interface Pushes {
  record(push: {
    readonly repository: string;
    readonly tag: string;
    readonly by: string | undefined;
    readonly atMs: number;
  }): void;
  find(repository: string, tag: string): Push | undefined;
}

/** The pushes in the application's database. */
export function createPushes(database: DatabaseSync): Pushes {
  const put = database.prepare('INSERT OR REPLACE INTO pushes (repository, tag, user, at_ms) VALUES (?, ?, ?, ?)');
  const find = database.prepare('SELECT user, at_ms FROM pushes WHERE repository = ? AND tag = ?');
  return {
    record: ({ repository, tag, by, atMs }) => void put.run(repository, tag, by ?? null, atMs),
    find(repository, tag) {
      const row = find.get(repository, tag);
      return row === undefined ? undefined : { user: row['user']?.toString(), at: new Date(Number(row['at_ms'])) };
    },
  };
}
