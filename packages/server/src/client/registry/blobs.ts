import { ExitError } from '../../exit-error.ts';
import { waitAfter } from '../http/retry.ts';
import type { OpenAnswer, RegistryClient } from './registry-client.ts';
import { pullScope, pushScope } from './scopes.ts';

/** Which content of a repository. */
export interface BlobPlace {
  readonly repository: string;
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
}

/** end-2 with HEAD. Whether the repository has the blob; asked with the right to push, which is wanted next. */
export async function hasBlob(client: RegistryClient, { repository, digest }: BlobPlace): Promise<boolean> {
  const { status } = await client.request({
    method: 'HEAD',
    url: `/v2/${repository}/blobs/${digest}`,
    scopes: [pushScope(repository)],
    accepts: [200, 404],
    doing: `take a push to ${repository}`,
  });
  return status === 200;
}

/** end-2. The bytes of a blob from `offset` on, exactly as many as its size says; goes on by range where a connection breaks off. The bytes are not compared with the digest. Ends with a
 *  `RefusedError` or `ConnectionError` when the registry does not give them. */
export async function* openBlob(client: RegistryClient, place: BlobPlace, offset = 0): AsyncGenerator<Uint8Array> {
  let position = offset;
  let failures = 0;
  while (position < place.size) {
    try {
      for await (const chunk of readFrom(client, place, position)) {
        position += chunk.length;
        failures = 0;
        yield chunk;
      }
    } catch (error) {
      const wait = waitAfter(error, failures);
      if (wait === undefined) throw error;
      failures += 1;
      await client.sleep(wait);
    }
  }
}

/** What one answer gives of the bytes from `position` on. */
async function* readFrom(client: RegistryClient, place: BlobPlace, position: number): AsyncGenerator<Uint8Array> {
  const { repository, digest, size } = place;
  const answer = await client.open({
    method: 'GET',
    url: `/v2/${repository}/blobs/${digest}`,
    headers: position === 0 ? {} : { Range: `bytes=${position}-${size - 1}` },
    scopes: [pullScope(repository)],
    accepts: [200, 206],
    doing: `give the blob ${repository}@${digest}`,
  });
  // A registry without ranges sends all from the start.
  let skipped = answer.status === 206 ? 0 : position;
  checkRange(answer, client, position);
  let left = size - position;
  try {
    for await (const chunk of answer.stream as AsyncIterable<Uint8Array>) {
      const wanted = chunk.subarray(skipped);
      skipped -= chunk.length - wanted.length;
      if (wanted.length > left) throw tooLong(client, place);
      left -= wanted.length;
      if (wanted.length > 0) yield wanted;
      if (left === 0) break;
    }
  } catch (error) {
    throw error instanceof ExitError ? error : await answer.explain(error);
  }
  if (left > 0) throw await answer.explain(Object.assign(new Error('it ended too early'), { code: 'ECONNRESET' }));
}

function checkRange({ status, headers, stream }: OpenAnswer, { host }: RegistryClient, position: number): void {
  if (status !== 206 || new RegExp(`^bytes ${position}-`).test(headers['content-range'] ?? '')) return;
  stream.destroy();
  throw new ExitError(`${host} gave another range of a blob than the one that it was asked for.`);
}

function tooLong({ host }: RegistryClient, { repository, digest, size }: BlobPlace): ExitError {
  return new ExitError(
    `${host} gives more than ${size} bytes for ${repository}@${digest}, which is what its manifest says.`,
  );
}
