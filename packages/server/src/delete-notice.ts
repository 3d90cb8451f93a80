import type { RequestReport } from '@moorage/registry';
import type { Logger } from 'pino';

const quietMs = 60 * 60_000;

/** Tells in the log, at the first delete of an hour, that a delete frees no space, and what does. */
export function noticeDeletes(
  log: Pick<Logger, 'info'>,
  now: () => number = () => performance.now(),
): { seeRequest(report: Pick<RequestReport, 'method' | 'target' | 'status'>): void } {
  let toldMs = Number.NEGATIVE_INFINITY;
  return {
    seeRequest({ method, target, status }) {
      if (method !== 'DELETE' || status !== 202 || now() - toldMs < quietMs) return;
      toldMs = now();
      log.info(
        { path: target },
        'deleted, which frees no space: blobs that no manifest names are not collected yet. To get the space back, copy what is wanted to a server with a new data directory (moorage copy), as docs/troubleshooting.md says',
      );
    },
  };
}
