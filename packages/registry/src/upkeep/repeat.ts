/** A background work that comes again and again. */
export interface Repetition {
  /** Ends a pass under way and waits for it. */
  stop(): Promise<void>;
}

/** Calls `pass` now and every `everyMs`, one at a time, without keeping the process alive. A pass that fails is told to `onError`, unless it was stopped. */
export function repeat(
  pass: (signal: AbortSignal) => Promise<unknown>,
  { everyMs, onError }: { readonly everyMs: number; onError(error: unknown): void },
): Repetition {
  const stopped = new AbortController();
  let underWay: Promise<void> | undefined;

  async function run(): Promise<void> {
    try {
      await pass(stopped.signal);
    } catch (error) {
      if (!stopped.signal.aborted) onError(error);
    } finally {
      underWay = undefined;
    }
  }
  const begin = (): void => {
    underWay ??= run();
  };

  const timer = setInterval(begin, everyMs).unref();
  begin();
  return {
    async stop() {
      clearInterval(timer);
      stopped.abort();
      await underWay;
    },
  };
}
