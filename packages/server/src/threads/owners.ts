import { randomUUID } from 'node:crypto';
import type { RegistryHandler, RegistryRequest } from '@moorage/registry';
import type { Place } from './messages.ts';

/** Which thread is to answer a request; undefined: any.
 *
 *  Each thread has its own registry over the same storage, and two things are kept in memory beside it: failed logins, which the main thread counts, to which therefore all passwords go; and uploads
 *  under way (who writes to one, and the hash of its bytes so far), so that all requests to one go to the thread that opened it. */
export function ownerOf(
  { target, headers: { authorization } }: Pick<RegistryRequest, 'target' | 'headers'>,
  { count }: Place,
): number | undefined {
  if (authorization !== undefined && !/^bearer /i.test(authorization)) return 0;
  const [path = ''] = target.split('?', 1);
  if (path === '/v2/token') return 0;
  const [, digit] = /\/blobs\/uploads\/[\da-f-]*([\da-f])$/i.exec(path) ?? [];
  return digit === undefined ? undefined : Number.parseInt(digit, 16) % count;
}

/** Ids whose last digit tells who made them: those of upload sessions lead back to their thread. Undefined where there is one thread alone. */
export function idsOf({ index, count }: Place): (() => string) | undefined {
  if (count === 1) return undefined;
  const digit = index.toString(16);
  return () => randomUUID().replaceAll('-', '').slice(0, -1) + digit;
}

/** Answers with `own` what any thread may answer or this one must, and hands all else on. */
export function routeToOwners<Own extends RegistryHandler>(
  own: Own,
  place: Place,
  other: (owner: number) => Pick<RegistryHandler, 'handle'>,
): RegistryHandler {
  return {
    owns: own.owns,
    handle(request) {
      const owner = ownerOf(request, place);
      return (owner === undefined || owner === place.index ? own : other(owner)).handle(request);
    },
  };
}
