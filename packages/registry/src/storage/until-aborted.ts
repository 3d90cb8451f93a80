import type { Bytes } from './blob-store.ts';

/** The chunks of `body`; when `signal` aborts it throws the signal's reason at once, even while the source owes a chunk.
 *
 *  A source that is left early is told so and not waited for: it may be the one that never answers. One listener serves all chunks, because
 *  racing each of them against one promise would keep a reaction a chunk in memory until the body ends. */
export async function* untilAborted(body: Bytes, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  signal.throwIfAborted();
  const source = body[Symbol.asyncIterator]();
  let ended = false;
  let interrupt: ((reason: unknown) => void) | undefined;
  const onAbort = () => interrupt?.(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    for (;;) {
      const step = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        interrupt = reject;
        source.next().then(resolve, (error: unknown) => {
          ended = true;
          reject(error);
        });
      });
      if (step.done) {
        ended = true;
        return;
      }
      yield step.value;
      signal.throwIfAborted();
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (!ended) source.return?.().catch(() => undefined); // what a source says that was told to stop is of no interest
  }
}
