import type { Server } from 'node:http';
import { constants } from 'node:os';
import process from 'node:process';

/** Resolves at the first signal that asks the process to stop. A later one ends it at once; one within a second of the first counts as the
 *  same, since a terminal signals the whole group and the programs that started this one pass theirs on, too. */
export function untilSignalled(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstMs: number | undefined;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        firstMs ??= performance.now();
        resolve(signal);
        if (performance.now() - firstMs > 1000) process.exit(128 + constants.signals[signal]);
      });
    }
  });
}

/** Stops accepting, closes idle connections, and waits for requests in flight, at most `drainMs`: what is not done then is cut off. */
export async function drain(server: Server, drainMs: number): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  // A connection whose request ends meanwhile becomes idle, and Node would keep it for its keep-alive time.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
