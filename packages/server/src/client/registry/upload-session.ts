import { ExitError } from '../../exit-error.ts';
import { RefusedError } from '../http/refused-error.ts';
import type { Answer, RegistryClient } from './registry-client.ts';
import { pullScope, pushScope } from './scopes.ts';

/** An upload under way. */
export interface UploadSession {
  readonly url: URL;
  /** How many bytes the registry has. */
  readonly position: number;
  /** Chunks but the last must have as many bytes (`OCI-Chunk-Min-Length`). */
  readonly leastChunkBytes: number;
}

/** Where a session is. */
interface UploadPlace {
  readonly repository: string;
  readonly digest: string;
}

/** end-4a and end-11. Opens a session, or `'mounted'` where another repository of the registry gave the blob. */
export async function openSession(
  client: RegistryClient,
  { repository, digest }: UploadPlace,
  mountFrom: string | undefined,
): Promise<UploadSession | 'mounted'> {
  const mount = mountFrom === undefined ? '' : `?mount=${digest}&from=${encodeURIComponent(mountFrom)}`;
  const answer = await client.request({
    method: 'POST',
    url: `/v2/${repository}/blobs/uploads/${mount}`,
    body: new Uint8Array(),
    scopes: [pushScope(repository), ...(mountFrom === undefined ? [] : [pullScope(mountFrom)])],
    accepts: [201, 202],
    doing: `take blobs of ${repository}`,
  });
  if (answer.status === 201) return 'mounted';
  const least = Number(answer.headers['oci-chunk-min-length']);
  return { url: locationOf(client, answer), position: 0, leastChunkBytes: least > 0 ? least : 1 };
}

/** end-13. The session as the registry knows it now; `undefined` when it is gone, or so new that nothing is lost with it: `Range: 0-0` is said of no byte and of one. */
export async function askSession(
  client: RegistryClient,
  { repository, digest }: UploadPlace,
  session: UploadSession,
): Promise<UploadSession | undefined> {
  try {
    const answer = await client.request({
      method: 'GET',
      url: session.url,
      scopes: [pushScope(repository)],
      accepts: [200, 202, 204],
      doing: `say how far the upload of ${digest} is`,
    });
    const position = positionOf(answer.headers.range);
    if (position === undefined) return undefined;
    return { ...session, url: locationOf(client, answer, session.url), position };
  } catch (error) {
    // 400 and 404 say that the session is gone, 416 that its address speaks of another position.
    if (error instanceof RefusedError && [400, 404, 405, 416].includes(error.status)) return undefined;
    throw error;
  }
}

/** Where the session stands after a chunk. */
export function afterChunk(
  client: RegistryClient,
  answer: Answer,
  { session, end }: { readonly session: UploadSession; readonly end: number },
): UploadSession {
  const position = positionOf(answer.headers.range) ?? end;
  return { ...session, url: locationOf(client, answer, session.url), position: Math.min(position, end) };
}

/** The address that closes a session: what the registry said stays as it is, since parts of it may be signed. */
export function closingUrl({ url }: UploadSession, digest: string): URL {
  const closing = new URL(url);
  closing.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return closing;
}

/** How many bytes `Range` speaks of. */
function positionOf(range: string | undefined): number | undefined {
  const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(range ?? '') ?? [];
  return last === undefined || last === '0' ? undefined : Number(last) + 1;
}

/** `Location`, which must be of the registry: what is uploaded goes nowhere else. Behind a proxy that ends TLS some registries say http where https is meant. */
function locationOf({ host, origin }: RegistryClient, { headers, url }: Answer, otherwise?: URL): URL {
  const { location } = headers;
  if (location === undefined && otherwise !== undefined) return otherwise;
  if (location === undefined || !URL.canParse(location, url)) {
    throw new ExitError(`${host} opened an upload and did not say where (no Location).`);
  }
  const place = new URL(location, url);
  if (origin === `https://${place.host}`) place.protocol = 'https:';
  if (place.origin === origin) return place;
  throw new ExitError(
    `${host} sends uploads to ${place.origin}: behind a proxy a registry must know its public address (publicUrl, or X-Forwarded-Host and -Proto).`,
  );
}
