import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { StorageError } from '../error.ts';
import type { CommandName } from '../sql/plans.ts';
import { type CommandOutcome, type CommandRequest, fromPlainError } from './batch.ts';
import type { FromWriter, ToWriter } from './writer-thread.ts';

/** Runs commands; each resolves when it is durable. */
export interface Writer {
  /** Throws when the writer cannot go on. */
  check(): void;
  run(name: CommandName, input: readonly unknown[]): Promise<unknown>;
  /** A port through which another thread of this process gives commands. */
  share(): MessagePort;
  /** Finishes what was given and stops. */
  close(): Promise<void>;
}

/** Commands through one port, and what became of them. */
export interface WriterCalls extends Pick<Writer, 'check' | 'run' | 'share'> {
  /** Ends all that is under way, and all that will be given, with this error. */
  fail(error: Error): void;
  /** Keeps the program alive until the port is closed. */
  hold(): void;
  /** Resolves when nothing is under way. */
  settled(): Promise<unknown>;
}

interface Waiter {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Gives commands through `port`, which keeps the program alive only while one is under way. */
export function callWriter(
  port: MessagePort,
  { onReady, onFail }: { onReady?(): void; onFail?(error: Error): void } = {},
): WriterCalls {
  const waiters = new Map<number, Waiter>();
  let failure: Error | undefined;
  let queued: CommandRequest[] = [];
  let lastId = 0;
  let isHeld = false;
  let settled = Promise.withResolvers<void>();
  settled.resolve();

  function fail(error: Error): void {
    failure ??= error;
    onFail?.(failure);
    for (const waiter of waiters.values()) waiter.reject(failure);
    waiters.clear();
    settled.resolve();
  }

  function settle(outcome: CommandOutcome): void {
    const waiter = waiters.get(outcome.id);
    waiters.delete(outcome.id);
    if ('error' in outcome) waiter?.reject(fromPlainError(outcome.error));
    else waiter?.resolve(outcome.value);
    if (waiters.size > 0) return;
    settled.resolve();
    if (!isHeld) port.unref();
  }

  function begin(): void {
    settled = Promise.withResolvers<void>();
    port.ref();
  }

  function send(): void {
    port.postMessage({ commands: queued } satisfies ToWriter);
    queued = [];
  }

  port.on('message', (message: FromWriter) => {
    if ('ready' in message) onReady?.();
    else if ('fatal' in message) fail(fromPlainError(message.fatal));
    else message.outcomes.forEach(settle);
  });
  return {
    fail,
    check() {
      if (failure !== undefined) throw failure;
    },
    run(name, input) {
      if (failure !== undefined) return Promise.reject(failure);
      if (queued.length === 0) queueMicrotask(send);
      if (waiters.size === 0) begin();
      lastId += 1;
      queued.push({ id: lastId, name, input });
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      waiters.set(lastId, { resolve, reject });
      return promise;
    },
    share() {
      const { port1, port2 } = new MessageChannel();
      port.postMessage({ share: port1 } satisfies ToWriter, [port1]);
      return port2;
    },
    hold() {
      isHeld = true;
      port.ref();
    },
    settled: () => settled.promise,
  };
}

/** The writer that another thread of this process started, through a port that it shared. Closing it leaves the writer to the others. */
export function joinWriter(port: MessagePort): Writer {
  const calls = callWriter(port);
  port.once('close', () => calls.fail(writerClosed()));
  port.unref();
  return {
    ...calls,
    async close() {
      await calls.settled();
      port.close();
    },
  };
}

/** What commands are told that come too late. */
export function writerClosed(): StorageError {
  return new StorageError('unavailable', 'The metadata store is closed.');
}
