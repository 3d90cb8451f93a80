import type { Server } from 'node:http';
import { constants } from 'node:os';
import process from 'node:process';

/** Resolves at the first signal that asks the process to stop. A later one ends it at once; one within a second of the first counts as the
 *  same, since a terminal signals the whole group and the programs that started this one pass theirs on, too. SIGHUP is one of them unless `hangupStops` is false: then it means nothing here. */
export function untilSignalled({ hangupStops = true } = {}): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstMs: number | undefined;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (signal === 'SIGHUP' && !hangupStops) return;
        firstMs ??= performance.now();
        resolve(signal);
        if (performance.now() - firstMs > 1000) process.exit(128 + constants.signals[signal]);
      });
    }
  });
}

/** The connections of a server, to be closed. */
export type Connections = Pick<Server, 'closeIdleConnections' | 'closeAllConnections'> & {
  /** Stops accepting; `done` is called once no connection is left. */
  close(done: () => void): unknown;
};

/** Stops accepting, closes idle connections, and waits for requests in flight, at most `drainMs`: what is not done then is cut off. */
export async function drain(server: Connections, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection whose request ends meanwhile becomes idle, and Node would keep it for its keep-alive time.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
