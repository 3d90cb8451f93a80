/** The thread that holds the only writing connection of the process.
 *
 *  Invariant: an answer leaves this thread only after the commit that holds its command was flushed (WAL, `synchronous=FULL`). Commands that
 *  wait while a commit is under way are taken together by the next one, so that concurrent pushes share a flush and none joins a flush that began before it. */
import { closeSync, openSync } from 'node:fs';
import { isMainThread, type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { isStorageError, StorageError } from '../error.ts';
import type { Plans } from '../sql/plans.ts';
import { type CompiledStatements, definedBy, type Step } from '../sql/statement.ts';
import { createPlans } from '../sql/store.ts';
import { type CommandOutcome, type CommandRequest, commitBatch, type PlainError, toPlainError } from './batch.ts';
import { type Connection, openConnection, toStorageError } from './connection.ts';
import { migrate } from './migrate.ts';
import type { CommitCount } from './read-cache.ts';

/** What the thread is told: first its statements, then the rest. Another thread's commands come through a port of its own, whose end closes nothing else. */
export type ToWriter =
  | { readonly commands: readonly CommandRequest[] }
  | { readonly share: MessagePort }
  | { readonly close: true };

/** What the thread is made with. `port` is one of its own: Deno's `parentPort` neither closes nor gives what waits in it. */
export interface WriterData {
  readonly file: string;
  readonly commits: CommitCount;
  readonly port: MessagePort;
}

/** The first message. */
export interface StartWriter {
  readonly statements: CompiledStatements;
}

/** What the thread tells: it is ready, outcomes, or that it cannot go on. */
export type FromWriter =
  | { readonly ready: true }
  | { readonly outcomes: readonly CommandOutcome[] }
  | { readonly fatal: PlainError };

/** How many pages of the write-ahead log make a checkpoint worth its flushes: 4 MiB. */
const checkpointPages = 1024;

/** Commands, and where they came from. */
interface Taken {
  readonly port: MessagePort;
  readonly commands: readonly CommandRequest[];
}

/** Runs the commands that come through `port`, and through those that are shared with other threads, until `port` tells to close, or until it cannot go on. */
export function serve(
  port: MessagePort,
  { connection, plans, commits }: { connection: Connection; plans: Plans; commits: CommitCount },
): void {
  const ports = new Set<MessagePort>();
  let isLast = false;

  function stop(): void {
    connection.close();
    for (const open of ports) open.close();
  }

  /** Throws when what is on disk is unknown. */
  function write(taken: readonly Taken[]): void {
    const requests = taken.flatMap(({ commands }) => commands);
    if (requests.length === 0) return;
    const outcomes = outcomesOf(requests);
    let told = 0;
    for (const { port: from, commands } of taken) {
      from.postMessage({ outcomes: outcomes.slice(told, told + commands.length) } satisfies FromWriter);
      told += commands.length;
    }
  }

  function outcomesOf(requests: readonly CommandRequest[]): readonly CommandOutcome[] {
    try {
      const outcomes = commitBatch(connection, plans, requests);
      Atomics.add(commits, 0, 1);
      return outcomes;
    } catch (error) {
      if (!isStorageError(error, 'no-space') && !isStorageError(error, 'locked')) throw error;
      const plain = toPlainError(error);
      return requests.map(({ id }) => ({ id, error: plain }));
    }
  }

  /** The commands of a message; what it asks for beside is done at once. */
  function take(message: ToWriter): readonly CommandRequest[] {
    if ('close' in message) isLast = true;
    else if ('share' in message) listen(message.share);
    return 'commands' in message ? message.commands : [];
  }

  /** `commands` and those that wait at the port. */
  function takeWaiting(from: MessagePort, commands: readonly CommandRequest[]): Taken {
    const taken = [...commands];
    for (let next = receiveMessageOnPort(from); next !== undefined; next = receiveMessageOnPort(from))
      taken.push(...take(next.message));
    return { port: from, commands: taken };
  }

  function listen(from: MessagePort): void {
    ports.add(from);
    from.on('message', (message: ToWriter) => {
      const commands = take(message);
      const taken = [...ports].map((open) => takeWaiting(open, open === from ? commands : []));
      try {
        write(taken.filter((some) => some.commands.length > 0));
        if (!isLast) checkpoint(connection);
      } catch (error) {
        for (const open of ports) open.postMessage({ fatal: toPlainError(error) } satisfies FromWriter);
        return stop();
      }
      if (isLast) stop();
    });
    from.on('close', () => ports.delete(from));
  }

  listen(port);
}

/** Moves what is committed from a log that grew long into the database's file. Where the disk has no space for it, that is left for later: the log holds everything. */
function checkpoint(connection: Connection): void {
  if (connection.run(pagesToCheckpoint()) < checkpointPages) return;
  try {
    connection.exec('pragma wal_checkpoint(passive)');
  } catch (error) {
    const failure = toStorageError(error, 'Moving the log into the database failed');
    if (failure.code !== 'no-space') throw failure;
  }
}

/** The log's file does not say: it is written over from its start after a checkpoint, and never shrinks. */
function* pagesToCheckpoint(): Generator<Step, number, readonly unknown[]> {
  const [row] = (yield { sql: 'pragma wal_checkpoint(noop)', parameters: [] }) as readonly WalPages[];
  return row === undefined ? 0 : row.log - row.checkpointed;
}

interface WalPages {
  readonly log: number;
  readonly checkpointed: number;
}

/** Opens the connection that writes: each commit is flushed, and none makes a checkpoint. */
export function openWriter(file: string): Connection {
  makePrivateFile(file);
  const connection = openConnection(file, { readOnly: false });
  migrate(connection);
  const mode = connection.run(askJournalMode());
  if (mode !== 'wal') {
    throw new StorageError(
      'unavailable',
      `${file} cannot have a write-ahead log here (it stays ${mode}). Keep it on a local disk.`,
    );
  }
  connection.exec('pragma synchronous = full');
  // What a statement needs to undo itself: else in a file under /tmp.
  connection.exec('pragma temp_store = memory');
  // Checkpoints are made here, after the answers, and not by whichever commit crosses a limit.
  connection.exec('pragma wal_autocheckpoint = 0');
  return connection;
}

/** Makes the file where there is none, for its owner alone, since it holds the keys that sign tokens; SQLite gives what it puts beside it the same mode.
 *  A file that is there is never opened: closing its descriptor would drop the locks that SQLite holds on it for this process. */
function makePrivateFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch {
    // It is there, or cannot be made: then SQLite says why, with what it found.
  }
}

function* askJournalMode(): Generator<Step, string, readonly unknown[]> {
  const [row] = (yield { sql: 'pragma journal_mode = wal', parameters: [] }) as readonly { journal_mode: string }[];
  return row?.journal_mode ?? 'unknown';
}

function start({ file, commits, port }: WriterData): void {
  try {
    const connection = openWriter(file);
    port.once('message', ({ statements }: StartWriter) => {
      serve(port, { connection, plans: createPlans(definedBy(statements)), commits });
      port.postMessage({ ready: true } satisfies FromWriter);
    });
  } catch (error) {
    const failure = isStorageError(error) ? error : toStorageError(error, 'Opening the database failed');
    port.postMessage({ fatal: toPlainError(failure) } satisfies FromWriter);
    port.close();
  }
}

if (!isMainThread) start(workerData as WriterData);
