import { MessageChannel, Worker } from 'node:worker_threads';
import type { RegistryHandler, RegistryOptions, RequestReport } from '@moorage/registry';
import type { SharedWriter, SqliteStore } from '@moorage/registry/sqlite';
import type { Refusal } from '../refusals/refusal.ts';
import type { ListenAddress } from '../setting-types.ts';
import type { TlsHello } from '../tls/wrong-scheme.ts';
import { answerHanded } from './answer-handed.ts';
import { createHandOn } from './hand-on.ts';
import type { FromThread, ThreadData, ToThread } from './messages.ts';

/** What HTTP threads are started with. */
export interface ThreadOptions extends Omit<ThreadData, 'place' | 'isLimited' | 'writer' | 'port'> {
  /** Of all threads, the main one among them. */
  readonly count: number;
  /** The store whose writer they share. */
  readonly metadata: SqliteStore;
  /** Answers the requests that they hand on. */
  readonly handle: RegistryHandler['handle'];
  readonly limit: RegistryOptions['limit'];
  writeLog(entry: string): void;
  keepRefusal(refusal: Refusal): void;
  seeTlsHello(hello: TlsHello): void;
  /** Hears of requests that changed something. */
  seeRequest(report: RequestReport): void;
}

/** Threads that answer requests beside the main one. */
export interface HttpThreads {
  /** Lets them begin to listen; resolves when all do. */
  listen(address: ListenAddress): Promise<unknown>;
  /** Rejects when one of them fails; then nothing that it had under way is answered any more. */
  readonly failed: Promise<never>;
  /** What hands a request on to the thread of this number, from 1 on. */
  thread(index: number): Pick<RegistryHandler, 'handle'>;
  /** Lets requests under way end, for at most `drainMs`; requests may still be handed on. */
  drain(drainMs: number): Promise<unknown>;
  /** Resolves when the threads are gone. */
  close(): Promise<unknown>;
}

type HttpThread = Pick<RegistryHandler, 'handle'> & Omit<HttpThreads, 'thread'>;

/** The file beside this one, which is `.ts` in the sources and `.js` when built. */
const threadFile = new URL(`./http-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** How long a thread may take to close what it has open; it waits for requests for a second. */
const closeMs = 5000;

/** Starts `count` - 1 threads. */
export async function startHttpThreads({ count, metadata, ...options }: ThreadOptions): Promise<HttpThreads> {
  const writers = await Promise.all(Array.from({ length: count - 1 }, () => metadata.share()));
  const threads = writers.map((writer, at) => startThread(writer, { ...options, place: { index: at + 1, count } }));
  const failed = Promise.race(threads.map((thread) => thread.failed));
  failed.catch(() => undefined); // it may fail before or after anybody waits for it
  return {
    failed,
    listen: (address) => Promise.all(threads.map((thread) => thread.listen(address))),
    thread(index) {
      const thread = threads[index - 1];
      if (thread === undefined) throw new RangeError(`There is no thread ${index}.`);
      return thread;
    },
    drain: (drainMs) => Promise.all(threads.map((thread) => thread.drain(drainMs))),
    close: () => Promise.all(threads.map((thread) => thread.close())),
  };
}

function startThread(
  writer: SharedWriter,
  {
    handle,
    limit,
    writeLog,
    keepRefusal,
    seeRequest,
    seeTlsHello,
    ...plain
  }: Omit<ThreadOptions, 'count' | 'metadata'> & Pick<ThreadData, 'place'>,
): HttpThread {
  const { port1: port, port2 } = new MessageChannel();
  const worker = new Worker(threadFile, {
    workerData: { ...plain, isLimited: limit !== undefined, writer, port: port2 } satisfies ThreadData,
    transferList: [port2, writer.port],
    name: 'moorage-http',
  });
  const failed = new Promise<never>((_, reject) => worker.once('error', reject));
  // Both: the end of the thread can be seen before what it told last.
  const exited = Promise.all([
    new Promise((resolve) => worker.once('exit', resolve)),
    new Promise((resolve) => port.once('close', resolve)),
  ]);
  const listening = Promise.withResolvers<void>();
  const drained = Promise.withResolvers<void>();
  const tell = (message: ToThread, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  const answer = answerHanded(handle, tell);
  const handOn = createHandOn(tell);

  async function answerQuestion({ question, limit: asked }: Extract<FromThread, { question: number }>): Promise<void> {
    try {
      tell({ question, seconds: await limit?.(asked) });
    } catch (error) {
      tell({ question, failed: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  port.on('message', (message: FromThread) => {
    if ('call' in message) answer(message);
    else if ('answered' in message) handOn.receive(message);
    else if ('report' in message) seeRequest(message.report);
    else if ('refusal' in message) keepRefusal(message.refusal);
    else if ('tlsHello' in message) seeTlsHello(message.tlsHello);
    else if ('logEntry' in message) writeLog(message.logEntry);
    else if ('question' in message) void answerQuestion(message);
    else if ('listening' in message) listening.resolve();
    else drained.resolve();
  });
  const unlessFailed = (promise: Promise<unknown>) => Promise.race([promise, failed]);
  return {
    failed,
    handle: handOn.handle,
    listen(address) {
      tell({ listen: address });
      return unlessFailed(listening.promise);
    },
    drain(drainMs) {
      tell({ drain: { drainMs } });
      return unlessFailed(drained.promise);
    },
    async close() {
      tell({ close: true });
      const cut = setTimeout(() => void worker.terminate(), closeMs);
      await exited;
      clearTimeout(cut);
    },
  };
}
