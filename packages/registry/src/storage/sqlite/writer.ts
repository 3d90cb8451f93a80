import { MessageChannel, Worker } from 'node:worker_threads';
import { StorageError } from '../error.ts';
import type { CompiledStatements } from '../sql/statement.ts';
import type { CommitCount } from './read-cache.ts';
import { callWriter, type Writer, writerClosed } from './writer-calls.ts';
import type { StartWriter, ToWriter, WriterData } from './writer-thread.ts';

/** The file beside this one, which is `.ts` in the sources and `.js` when built. */
const threadFile = new URL(`./writer-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** Starts the writer thread on `file`; resolves when its database is open and up to date. The thread starts while `statements` are being compiled. */
export async function startWriter(
  file: string,
  statements: Promise<CompiledStatements>,
): Promise<Writer & { readonly commits: CommitCount }> {
  const { port1: port, port2 } = new MessageChannel();
  const commits = new Int32Array(new SharedArrayBuffer(4));
  const workerData: WriterData = { file, commits, port: port2 };
  const worker = new Worker(threadFile, {
    workerData,
    transferList: [port2],
    name: 'moorage-writer',
    // Not the program's own: some, such as --input-type, are refused by a thread. Node 22 would warn of SQLite once more; Deno refuses the flag.
    execArgv: 'deno' in process.versions ? [] : ['--disable-warning=ExperimentalWarning'],
  });
  // Both: the end of the thread can be seen before what it told last, but the end of the port cannot.
  const exited = Promise.all([
    new Promise((resolve) => worker.once('exit', resolve)),
    new Promise((resolve) => port.once('close', resolve)),
  ]);
  const started = Promise.withResolvers<void>();
  const calls = callWriter(port, { onReady: started.resolve, onFail: started.reject });
  worker.on('error', (cause) => calls.fail(new StorageError('unavailable', 'The writer thread failed.', { cause })));
  void exited.then(() => calls.fail(writerClosed()));
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
    ...calls,
    commits,
    async close() {
      calls.hold();
      queueMicrotask(() => port.postMessage({ close: true } satisfies ToWriter));
      worker.ref();
      await exited;
    },
  };
}
