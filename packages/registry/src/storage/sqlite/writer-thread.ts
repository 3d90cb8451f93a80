/** The thread that holds the only writing connection of the process.
 *
 *  Invariant: an answer leaves this thread only after the commit that holds its command was flushed (WAL, `synchronous=FULL`). Commands that
 *  wait while a commit is under way are taken together by the next one, so that concurrent pushes share a flush and none joins a flush that began before it. */
import { statSync } from 'node:fs';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { isStorageError } from '../error.ts';
import type { Plans } from '../sql/plans.ts';
import { type CompiledStatements, definedBy } from '../sql/statement.ts';
import { createPlans } from '../sql/store.ts';
import { type CommandOutcome, type CommandRequest, commitBatch, type PlainError, toPlainError } from './batch.ts';
import { type Connection, openConnection, toStorageError } from './connection.ts';
import { migrate } from './migrate.ts';

/** What the thread is told: first its statements, then the rest. */
export type ToWriter = { readonly commands: readonly CommandRequest[] } | { readonly close: true };

/** The first message. */
export interface StartWriter {
  readonly statements: CompiledStatements;
}

/** What the thread tells: it is ready, outcomes, or that it cannot go on. */
export type FromWriter =
  | { readonly ready: true }
  | { readonly outcomes: readonly CommandOutcome[] }
  | { readonly fatal: PlainError };

/** Size of the write-ahead log from which a checkpoint is worth its flushes, in bytes. */
const checkpointBytes = 4 * 1024 * 1024;

function serve(
  port: MessagePort,
  { connection, plans, file }: { connection: Connection; plans: Plans; file: string },
): void {
  const tell = (message: FromWriter) => port.postMessage(message);

  function stop(message?: FromWriter): void {
    if (message !== undefined) tell(message);
    connection.close();
    port.close();
  }

  function write(requests: readonly CommandRequest[]): boolean {
    if (requests.length === 0) return true;
    try {
      tell({ outcomes: commitBatch(connection, plans, requests) });
      return true;
    } catch (error) {
      const plain = toPlainError(error);
      if (!isStorageError(error, 'no-space') && !isStorageError(error, 'busy')) {
        stop({ fatal: plain });
        return false;
      }
      tell({ outcomes: requests.map(({ id }) => ({ id, error: plain })) });
      return true;
    }
  }

  port.on('message', (message: ToWriter) => {
    const queued: ToWriter[] = [message];
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
      queued.push(next.message);
    const isAlive = write(queued.flatMap((item) => ('commands' in item ? item.commands : [])));
    if (isAlive && queued.some((item) => 'close' in item)) stop();
    else if (isAlive && walSize(file) > checkpointBytes) connection.exec('pragma wal_checkpoint(passive)');
  });
}

function openWriter(file: string): Connection {
  const connection = openConnection(file, { readOnly: false });
  migrate(connection);
  connection.exec('pragma journal_mode = wal');
  connection.exec('pragma synchronous = full');
  // Checkpoints are made here, after the answers, and not by whichever commit crosses a limit.
  connection.exec('pragma wal_autocheckpoint = 0');
  return connection;
}

function walSize(file: string): number {
  return statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

function start(port: MessagePort, file: string): void {
  try {
    const connection = openWriter(file);
    port.once('message', ({ statements }: StartWriter) => {
      serve(port, { connection, plans: createPlans(definedBy(statements)), file });
      port.postMessage({ ready: true } satisfies FromWriter);
    });
  } catch (error) {
    const failure = isStorageError(error) ? error : toStorageError(error, 'Opening the database failed');
    port.postMessage({ fatal: toPlainError(failure) } satisfies FromWriter);
    port.close();
  }
}

if (parentPort !== null) start(parentPort, (workerData as { readonly file: string }).file);
