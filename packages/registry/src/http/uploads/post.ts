import type { Permit } from '../../access/permit.ts';
import { type Digest, parseAlgorithm, parseDigest } from '../../oci/digest.ts';
import { parseRepositoryName, type RepositoryName } from '../../oci/name.ts';
import type { Deps, RepositoryEndpoint, RouteRequest } from '../endpoint.ts';
import { bodyLength, checkUploadType, empty } from '../headers.ts';
import type { RegistryResponse } from '../message.ts';
import { blobCreated, uploadHeaders } from './answer.ts';

/** end-4a, end-4b, end-4c and end-11. Mounts a blob, pushes one in this request, or begins a session. */
export const postUpload: RepositoryEndpoint<'push'> = async (deps, permit, request) => {
  const { query } = request;
  const mount = query.get('mount');
  if (mount !== null) {
    const digest = parseDigest(mount);
    // A mount that is refused or impossible is a session, whichever it was, so that nothing is told about the source.
    return (await mountBlob(deps, permit, { digest, from: query.get('from') }))
      ? blobCreated(deps, permit.repository.name, { digest })
      : begin(deps, permit, query);
  }
  const digest = query.get('digest');
  return digest === null ? begin(deps, permit, query) : push(deps, permit, { request, digest: parseDigest(digest) });
};

async function mountBlob(
  { blobs, access }: Deps,
  to: Permit<'push'>,
  source: { digest: Digest; from: string | null },
): Promise<boolean> {
  if (source.from === null || source.from === '') return blobs.mountFromAnywhere(access, to, source.digest);
  const from = await access.findPermit(to.caller, { action: 'pull', name: parseRepositoryName(source.from) });
  return from !== undefined && blobs.mount(from, to, source.digest);
}

async function begin(deps: Deps, permit: Permit<'push'>, query: URLSearchParams): Promise<RegistryResponse> {
  const algorithm = parseAlgorithm(query.get('digest-algorithm') ?? 'sha256');
  const session = await deps.uploads.open(permit, { algorithm });
  return empty(202, uploadHeaders(deps, { name: permit.repository.name, session }, 0));
}

async function push(
  deps: Deps,
  permit: Permit<'push'>,
  { request, digest }: { request: RouteRequest; digest: Digest },
): Promise<RegistryResponse> {
  const { headers, body, signal } = request;
  checkUploadType(headers, deps.settings.uploads.contentTypes);
  return blobCreated(
    deps,
    permit.repository.name,
    await deps.uploads.push(permit, { digest, lengthBytes: bodyLength(headers), body, signal }),
  );
}

/** The repository that a mount names as its source: a token for it must name both. */
export function mountSource({ query }: RouteRequest): RepositoryName | undefined {
  const from = query.get('from');
  return query.has('mount') && from !== null && from !== '' ? parseRepositoryName(from) : undefined;
}
