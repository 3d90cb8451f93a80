import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ExitError } from './exit-error.ts';

const sqliteBusy = 5;

/** Takes `directory` for this process until `close()`, or throws an `ExitError` when another server holds it.
 *
 *  The lock is SQLite's own on an empty database: the operating system drops it when the process ends, however it ends, so it is never stale.
 *  It is a file of its own, since the command line may open the registry's database beside a running server. */
export function lockDataDirectory(directory: string): { close(): void } {
  const lock = new DatabaseSync(join(directory, 'server.lock'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (!(error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy)) throw error;
    throw new ExitError(
      `Another running server uses ${directory}: stop it, or choose another directory with --data DIRECTORY.`,
    );
  }
}
