import type { RequestReport } from '@moorage/registry';
import type { Logger } from 'pino';
import { openRefusals, type RefusalDatabase } from './database.ts';
import { type Refusal, refusalOf } from './refusal.ts';

const batchMs = 250;
/** What comes faster than this in one batch is an attack or a loop, of which the first ones tell enough. */
const mostInBatch = 500;

/** Remembers refusals for `moorage why`. */
export interface RefusalKeeper {
  seeRequest(report: RequestReport): void;
  /** Of a request that another thread answered. */
  keep(refusal: Refusal): void;
  /** Writes what waits. */
  close(): void;
}

/** Remembers refusals in `file`, a batch four times a second, so that no request waits for it. Where that fails the log tells it once, and nothing is remembered until the next start. */
export function keepRefusals({
  file,
  log,
  now = Date.now,
}: {
  readonly file: string;
  readonly log: Pick<Logger, 'warn'>;
  now?(): number;
}): RefusalKeeper {
  let waiting: Refusal[] = [];
  let timer: NodeJS.Timeout | undefined;
  let database: RefusalDatabase | undefined;
  let hasFailed = false;

  function write(): void {
    timer = undefined;
    const refusals = waiting;
    waiting = [];
    if (hasFailed || refusals.length === 0) return;
    try {
      database ??= openRefusals(file);
      database.append(refusals, now());
    } catch (err) {
      hasFailed = true;
      log.warn({ err, file }, 'refusals cannot be remembered: moorage why will know nothing of them');
    }
  }

  function keep(refusal: Refusal): void {
    if (waiting.length >= mostInBatch) return;
    waiting.push(refusal);
    timer ??= setTimeout(write, batchMs).unref();
  }

  return {
    keep,
    seeRequest(report) {
      const refusal = refusalOf(report, now());
      if (refusal !== undefined) keep(refusal);
    },
    close() {
      clearTimeout(timer);
      write();
      database?.close();
      database = undefined;
      hasFailed = true;
    },
  };
}
