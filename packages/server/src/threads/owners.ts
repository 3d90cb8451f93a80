import { type RegistryHandler, type RegistryRequest, type RegistryResponse, randomIds } from '@moorage/registry';
import { mostThreads, type Place } from './place.ts';

/** Which thread is to answer a request; undefined: any.
 *
 *  Each thread has its own registry over the same storage, and two things are kept in memory beside it: failed logins, which the main thread counts; and uploads under way (who writes to one, and the
 *  hash of its bytes so far), so that all requests to one go to the thread that opened it. */
export function ownerOf({ target }: Pick<RegistryRequest, 'target'>, { count }: Place): number | undefined {
  const [path = ''] = target.split('?', 1);
  if (tokenPath.test(path)) return 0;
  const digit = sessionPath.exec(path)?.[1]?.at(-1);
  return digit === undefined ? undefined : Number.parseInt(digit, mostThreads) % count;
}

// As the registry reads paths: with a slash at the end, too, and line breaks in a name.
const tokenPath = /^\/v2\/token\/?$/;
const sessionPath = /\/blobs\/uploads\/([\da-f-]*[\da-f])\/?$/is;

/** Whether a request shows what could be a guess. */
function showsPassword({ headers: { authorization } }: Pick<RegistryRequest, 'headers'>): boolean {
  return authorization !== undefined && !/^bearer /i.test(authorization);
}

/** Ids whose last digit tells who made them: those of upload sessions lead back to their thread. Undefined where there is one thread alone. */
export function idsOf({ index, count }: Place): (() => string) | undefined {
  if (count === 1) return undefined;
  const digit = index.toString(mostThreads);
  const next = randomIds();
  return () => next().slice(0, -1) + digit;
}

/** Answers with `own` what any thread may answer or this one must, and hands all else on. Passwords go to the main thread; one with an upload of another thread goes on from there once it was found to be
 *  good. */
export function routeToOwners(
  own: RegistryHandler,
  place: Place,
  other: (owner: number) => Pick<RegistryHandler, 'handle'>,
): RegistryHandler {
  const isMain = place.index === 0;

  async function handleWithPassword(request: RegistryRequest, owner: number): Promise<RegistryResponse> {
    const { headers, body, address, origin, signal } = request;
    const { authorization } = headers;
    const login = { method: 'GET', target: '/v2/', headers: { authorization }, body, address, origin, signal };
    const answer = await own.handle(login); // which reads no body
    return answer.status === 200 ? other(owner).handle(request) : answer;
  }

  return {
    owns: own.owns,
    handle(request) {
      const owner = ownerOf(request, place);
      const isOwn = owner === undefined || owner === place.index;
      if (!showsPassword(request)) return (isOwn ? own : other(owner)).handle(request);
      if (!isMain) return other(0).handle(request);
      return isOwn ? own.handle(request) : handleWithPassword(request, owner);
    },
  };
}
