import { StorageError } from '../error.ts';
import type { CommandName, Plans } from '../sql/plans.ts';
import type { Plan } from '../sql/statement.ts';
import { type Connection, toStorageError } from './connection.ts';

/** A command as it travels to the writer. */
export interface CommandRequest {
  readonly id: number;
  readonly name: CommandName;
  readonly input: readonly unknown[];
}

/** What became of a command: plain data, since it crosses threads. */
export type CommandOutcome =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: PlainError };

/** An error as plain data. `code` undefined: a bug, not a refusal of the store. */
export interface PlainError {
  readonly code: StorageError['code'] | undefined;
  readonly message: string;
  readonly detail: unknown;
  readonly stack: string | undefined;
}

/** Runs commands in one transaction, so that they share a flush. One that refuses undoes itself alone.
 *
 *  When it returns, all that succeeded is durable. When the transaction as a whole fails nothing is, and it throws a `StorageError`: `no-space` and `locked` leave the
 *  connection usable; after any other, a flush among them, what is on disk is unknown, and the writer must stop and never retry. */
export function commitBatch(
  connection: Connection,
  plans: Plans,
  requests: readonly CommandRequest[],
): readonly CommandOutcome[] {
  try {
    connection.exec('begin immediate');
    const outcomes = runAll(connection, plans, requests) ?? runEach(connection, plans, requests);
    connection.exec('commit');
    return outcomes;
  } catch (error) {
    const failure = toStorageError(error, 'Writing the metadata failed');
    if (connection.inTransaction()) connection.exec('rollback');
    throw failure;
  }
}

/** Every command as if none refused, which is so in nearly every batch: a savepoint for each took a third of the writer's time (bench row put-manifest-32-clients). Undefined where one refused,
 *  with nothing done and the transaction begun anew. */
function runAll(
  connection: Connection,
  plans: Plans,
  requests: readonly CommandRequest[],
): readonly CommandOutcome[] | undefined {
  try {
    return requests.map((request) => ({ id: request.id, value: runOne(connection, plans, request) }));
  } catch (error) {
    checkTransaction(connection, error);
    connection.exec('rollback');
    connection.exec('begin immediate');
    return undefined;
  }
}

/** Each command in a savepoint of its own. */
function runEach(connection: Connection, plans: Plans, requests: readonly CommandRequest[]): readonly CommandOutcome[] {
  return requests.map((request) => {
    const { id } = request;
    connection.exec('savepoint command');
    try {
      const value = runOne(connection, plans, request);
      connection.exec('release command');
      return { id, value };
    } catch (error) {
      checkTransaction(connection, error);
      connection.exec('rollback to command');
      connection.exec('release command');
      const failure = toStorageError(error, 'Writing the metadata failed');
      return { id, error: toPlainError(failure.code === 'no-space' ? failure : error) };
    }
  });
}

function runOne(connection: Connection, plans: Plans, { name, input }: CommandRequest): unknown {
  return connection.run((plans[name] as (...input: readonly unknown[]) => Plan<unknown>)(...input));
}

/** SQLite ends the whole transaction by itself when the disk fails, and mostly when it is full: then no command of the batch is done, and `error` is thrown. */
function checkTransaction(connection: Connection, error: unknown): void {
  if (!connection.inTransaction()) throw error;
}

/** An error as it travels between threads. */
export function toPlainError(error: unknown): PlainError {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return error instanceof StorageError
    ? { code: error.code, message, detail: error.detail, stack }
    : { code: undefined, message, detail: undefined, stack };
}

/** The error that travelled. */
export function fromPlainError({ code, message, detail, stack }: PlainError): Error {
  const error = code === undefined ? new Error(message) : new StorageError(code, message, { detail });
  if (stack !== undefined) error.stack = stack;
  return error;
}
