import { OciError } from '../../oci/error.ts';
import type { RepositoryName, SessionId } from '../../oci/name.ts';
import { formatUploadRange } from '../../oci/range.ts';
import type { PushedBlob } from '../../registry/publish-blob.ts';
import type { Deps } from '../endpoint.ts';
import { empty } from '../headers.ts';
import type { RegistryResponse, ResponseHeaders } from '../message.ts';

/** Where a session is. */
export interface SessionPlace {
  readonly name: RepositoryName;
  readonly session: SessionId;
}

/** The state of a session as each answer about it says it. */
export function uploadHeaders({ urls }: Deps, { name, session }: SessionPlace, sizeBytes: number): ResponseHeaders {
  return { Location: urls.upload(name, session), Range: formatUploadRange(sizeBytes), 'Docker-Upload-UUID': session };
}

/** A blob that can be pulled now. */
export function blobCreated(
  { urls }: Deps,
  name: RepositoryName,
  { digest }: Pick<PushedBlob, 'digest'>,
): RegistryResponse {
  return empty(201, { Location: urls.blob(name, digest), 'Docker-Content-Digest': digest });
}

/** What `act` comes to; its refusal for a chunk out of order tells where the session is, so that the client can go on. */
export async function located<Result>(
  { urls }: Deps,
  { name, session }: SessionPlace,
  act: Promise<Result>,
): Promise<Result> {
  try {
    return await act;
  } catch (error) {
    const isOutOfOrder = error instanceof OciError && error.status === 416;
    throw isOutOfOrder ? error.withHeaders({ Location: urls.upload(name, session) }) : error;
  }
}
