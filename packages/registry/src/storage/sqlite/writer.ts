import { MessageChannel, Worker } from 'node:worker_threads';
import { StorageError } from '../error.ts';
import type { CommandName } from '../sql/plans.ts';
import type { CompiledStatements } from '../sql/statement.ts';
import { type CommandOutcome, type CommandRequest, fromPlainError } from './batch.ts';
import { expireReads } from './read-cache.ts';
import type { FromWriter, StartWriter, ToWriter, WriterData } from './writer-thread.ts';

/** Runs commands; each resolves when it is durable. */
export interface Writer {
  /** Throws when the writer cannot go on. */
  check(): void;
  run(name: CommandName, input: readonly unknown[]): Promise<unknown>;
  /** Finishes what was given and stops. */
  close(): Promise<void>;
}

interface Waiter {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The file beside this one, which is `.ts` in the sources and `.js` when built. */
const threadFile = new URL(`./writer-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** Starts the writer thread on `file`; resolves when its database is open and up to date. The thread starts while `statements` are being compiled. */
export async function startWriter(file: string, statements: Promise<CompiledStatements>): Promise<Writer> {
  const { port1: port, port2 } = new MessageChannel();
  const workerData: WriterData = { file, port: port2 };
  const worker = new Worker(threadFile, {
    workerData,
    transferList: [port2],
    name: 'moorage-writer',
    // Not the program's own: some, such as --input-type, are refused by a thread. Node 22 would warn of SQLite once more; Deno refuses the flag.
    execArgv: 'deno' in process.versions ? [] : ['--disable-warning=ExperimentalWarning'],
  });
  const waiters = new Map<number, Waiter>();
  // Both: the end of the thread can be seen before what it told last, but the end of the port cannot.
  const exited = Promise.all([
    new Promise((resolve) => worker.once('exit', resolve)),
    new Promise((resolve) => port.once('close', resolve)),
  ]);
  const started = Promise.withResolvers<void>();
  let failure: Error | undefined;
  let queued: CommandRequest[] = [];
  let lastId = 0;
  let isClosing = false;

  function fail(error: Error): void {
    failure ??= error;
    started.reject(failure);
    for (const waiter of waiters.values()) waiter.reject(failure);
    waiters.clear();
  }

  function settle(outcome: CommandOutcome): void {
    const waiter = waiters.get(outcome.id);
    waiters.delete(outcome.id);
    if ('error' in outcome) waiter?.reject(fromPlainError(outcome.error));
    else waiter?.resolve(outcome.value);
    if (waiters.size === 0 && !isClosing) port.unref();
  }

  port.on('message', (message: FromWriter) => {
    if ('ready' in message) started.resolve();
    else if ('fatal' in message) fail(fromPlainError(message.fatal));
    else {
      expireReads();
      message.outcomes.forEach(settle);
    }
  });
  worker.on('error', (error) => fail(new StorageError('unavailable', 'The writer thread failed.', { cause: error })));
  void exited.then(() => fail(new StorageError('unavailable', 'The metadata store is closed.')));

  function send(): void {
    port.postMessage({ commands: queued } satisfies ToWriter);
    queued = [];
  }

  const told = statements.then((compiled) => port.postMessage({ statements: compiled } satisfies StartWriter));
  try {
    // Both at once: the thread may fail while the statements are still being compiled.
    await Promise.all([started.promise, told]);
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  // The thread must not keep a program alive that has nothing else to do; `run` holds its port while a command is under way.
  worker.unref();
  port.unref();
  return {
    check() {
      if (failure !== undefined) throw failure;
    },
    run(name, input) {
      if (failure !== undefined) return Promise.reject(failure);
      if (queued.length === 0) queueMicrotask(send);
      if (waiters.size === 0) port.ref();
      lastId += 1;
      queued.push({ id: lastId, name, input });
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      waiters.set(lastId, { resolve, reject });
      return promise;
    },
    async close() {
      isClosing = true;
      queueMicrotask(() => port.postMessage({ close: true } satisfies ToWriter));
      worker.ref();
      port.ref();
      await exited;
    },
  };
}
