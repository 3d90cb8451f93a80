import type { DatabaseSync } from 'node:sqlite';

/** Somebody who asked to pull a model. */
export interface Approval {
  readonly repository: string;
  readonly user: string;
  readonly isApproved: boolean;
}

/** Who may pull what: read at each request, so that what an owner takes back is gone at the next one. */
export interface Approvals {
  ask(repository: string, user: string): void;
  approve(repository: string, user: string): void;
  /** Declines what was asked, or takes back what was approved. */
  remove(repository: string, user: string): void;
  find(repository: string, user: string): Approval | undefined;
  /** Of the models of an owner. */
  list(owner: string): readonly Approval[];
}

/** The approvals in the hub's database. */
export function createApprovals(database: DatabaseSync): Approvals {
  const insert = database.prepare('INSERT INTO approvals VALUES (?, ?, 0) ON CONFLICT DO NOTHING');
  const approve = database.prepare('UPDATE approvals SET is_approved = 1 WHERE repository = ? AND user = ?');
  const remove = database.prepare('DELETE FROM approvals WHERE repository = ? AND user = ?');
  const find = database.prepare('SELECT * FROM approvals WHERE repository = ? AND user = ?');
  const list = database.prepare(
    `SELECT * FROM approvals WHERE repository GLOB ? || '/*' ORDER BY is_approved, repository, user`,
  );
  return {
    ask: (repository, user) => void insert.run(repository, user),
    approve: (repository, user) => void approve.run(repository, user),
    remove: (repository, user) => void remove.run(repository, user),
    find(repository, user) {
      const row = find.get(repository, user);
      return row === undefined ? undefined : toApproval(row);
    },
    list: (owner) => list.all(owner).map(toApproval),
  };
}

function toApproval(row: Readonly<Record<string, unknown>>): Approval {
  return { repository: String(row['repository']), user: String(row['user']), isApproved: row['is_approved'] === 1 };
}
