import { closeSync, existsSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Refusal } from './refusal.ts';

const mostRows = 10_000;
const keptMs = 7 * 24 * 60 * 60 * 1000;

const schema = `
  create table if not exists refusals (
    id integer primary key autoincrement,
    request_id text not null unique,
    at_ms integer not null,
    document text not null
  ) strict;
  create index if not exists refusals_by_time on refusals (at_ms);`;

/** Where refusals lie: at most 10,000 of the last seven days. They are worth no flush, and a power cut may take the last ones. */
export interface RefusalDatabase {
  /** Writes all of them at once, and removes what is too old. */
  append(refusals: readonly Refusal[], nowMs: number): void;
  find(requestId: string): Refusal | undefined;
  close(): void;
}

/** Opens the file, which others may have open, too; makes it, readable for its owner alone, where there is none. Throws what SQLite throws. */
export function openRefusals(file: string): RefusalDatabase {
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
  const connection = new DatabaseSync(file, { timeout: 1000 });
  try {
    connection.exec(`pragma journal_mode = wal; pragma synchronous = off; ${schema}`);
  } catch (error) {
    connection.close();
    throw error;
  }
  const insert = connection.prepare('insert or ignore into refusals (request_id, at_ms, document) values (?, ?, ?)');
  const dropOld = connection.prepare('delete from refusals where at_ms < ?');
  const dropMany = connection.prepare('delete from refusals where id <= (select max(id) from refusals) - ?');
  const select = connection.prepare('select document from refusals where request_id = ?');
  return {
    append(refusals, nowMs) {
      connection.exec('begin immediate');
      try {
        for (const refusal of refusals) insert.run(refusal.requestId, refusal.atMs, JSON.stringify(refusal));
        dropOld.run(nowMs - keptMs);
        dropMany.run(mostRows);
        connection.exec('commit');
      } catch (error) {
        if (connection.isTransaction) connection.exec('rollback');
        throw error;
      }
    },
    find(requestId) {
      const row = select.get(requestId);
      return row === undefined ? undefined : (JSON.parse(String(row['document'])) as Refusal);
    },
    close: () => connection.close(),
  };
}
