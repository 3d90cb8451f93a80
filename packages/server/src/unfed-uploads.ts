import type { RequestReport } from '@moorage/registry';
import type { Logger } from 'pino';
import { products } from './doctor/hops.ts';
import { lineOf } from './doctor/remedies.ts';

const patternCount = 3;
const windowMs = 5 * 60_000;
/** Between the request that opens an upload and the one that feeds it clients take some milliseconds. */
const graceMs = 10_000;
const quietMs = 10 * 60_000;
const mostRepositories = 500;
const mostPerRepository = 50;

/** Uploads to one repository. */
interface Uploads {
  /** When those were opened that nothing was heard of since, the oldest first. */
  unfedMs: number[];
  /** Sessions that something was heard of. */
  readonly heard: Set<string>;
}

/** Watches for what a proxy's 413 looks like from behind it: uploads to a repository are opened, and nothing more is ever heard of them. Three of them within five minutes are told in the log, with
 *  what to change at the proxy, at most once in ten minutes. */
export function watchUnfedUploads(
  log: Pick<Logger, 'warn'>,
  now: () => number = () => performance.now(),
): { seeRequest(report: Pick<RequestReport, 'method' | 'target' | 'status'>): void } {
  const byRepository = new Map<string, Uploads>();
  let toldMs = Number.NEGATIVE_INFINITY;
  let isLooking = false;

  function lookLater(): void {
    if (isLooking) return;
    isLooking = true;
    setTimeout(look, graceMs).unref();
  }

  function look(): void {
    isLooking = false;
    for (const [repository, uploads] of byRepository) {
      uploads.unfedMs = uploads.unfedMs.filter((openedMs) => now() - openedMs <= windowMs);
      const count = uploads.unfedMs.filter((openedMs) => now() - openedMs >= graceMs).length;
      if (count >= patternCount && now() - toldMs >= quietMs) {
        toldMs = now();
        uploads.unfedMs = [];
        log.warn({ repository, uploads: count, ...remedies }, message);
      } else if (uploads.unfedMs.length >= patternCount) lookLater();
    }
  }

  function uploadsOf(repository: string): Uploads {
    const uploads = byRepository.get(repository) ?? { unfedMs: [], heard: new Set<string>() };
    byRepository.delete(repository);
    byRepository.set(repository, uploads);
    for (const [oldest] of byRepository) {
      if (byRepository.size <= mostRepositories) break;
      byRepository.delete(oldest);
    }
    return uploads;
  }

  return {
    seeRequest({ method, target, status }) {
      if (method === 'GET' || method === 'HEAD') return;
      const [, repository, session] = uploadTarget.exec(target) ?? [];
      if (repository === undefined) return;
      if (method === 'POST') {
        if (status !== 202) return;
        const uploads = uploadsOf(repository);
        uploads.unfedMs.push(now());
        if (uploads.unfedMs.length > mostPerRepository) uploads.unfedMs.shift();
        if (uploads.unfedMs.length >= patternCount) lookLater();
      } else if (session !== undefined && session !== '') hear(byRepository.get(repository), session);
    },
  };
}

const message =
  'uploads are opened and not one byte of them comes: a proxy before this server refuses large bodies (413), or keeps them for itself; raise its limit, and look with moorage doctor URL';

const uploadTarget = /^\/v2\/([^?]{1,255})\/blobs\/uploads\/?([^/?]*)/;

/** Each session is taken off once, however many requests feed it. */
function hear(uploads: Uploads | undefined, session: string): void {
  if (uploads === undefined || uploads.heard.has(session)) return;
  uploads.heard.add(session);
  uploads.unfedMs.shift();
  for (const oldest of uploads.heard) {
    if (uploads.heard.size <= mostPerRepository) break;
    uploads.heard.delete(oldest);
  }
}

/** What to change, by the proxy. */
const remedies: Readonly<Record<string, string>> = Object.fromEntries(
  products.map((product) => [product, `${lineOf('body-size', product)} ${lineOf('buffering', product)}`]),
);
