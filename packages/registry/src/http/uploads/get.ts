import { parseSessionId } from '../../oci/name.ts';
import type { RepositoryEndpoint } from '../endpoint.ts';
import { empty } from '../headers.ts';
import { uploadHeaders } from './answer.ts';

/** end-13. How far a session is. */
export const getUpload: RepositoryEndpoint<'push'> = async (deps, permit, { params }) => {
  const session = parseSessionId(params.session);
  const sizeBytes = await deps.uploads.size(permit, session);
  return empty(204, uploadHeaders(deps, { name: permit.repository.name, session }, sizeBytes));
};
