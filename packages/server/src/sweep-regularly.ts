import type { Registry } from '@moorage/registry';
import type { Logger } from 'pino';

const intervalMs = 10 * 60 * 1000;

/** Sweeps expired sessions and leftovers now and every ten minutes, one pass at a time, without keeping the process alive.
 *  `stop` ends a pass under way and waits for it. */
export function sweepRegularly(registry: Pick<Registry, 'sweep'>, log: Logger): { stop(): Promise<void> } {
  const stopped = new AbortController();
  let pass: Promise<void> | undefined;

  async function sweep(): Promise<void> {
    try {
      log.debug(await registry.sweep(stopped.signal), 'swept expired sessions and leftovers');
    } catch (err) {
      if (!stopped.signal.aborted) log.error({ err }, 'the sweep failed; the next one tries again');
    }
    pass = undefined;
  }
  const begin = () => {
    pass ??= sweep();
  };

  const timer = setInterval(begin, intervalMs).unref();
  begin();
  return {
    async stop() {
      clearInterval(timer);
      stopped.abort();
      await pass;
    },
  };
}
