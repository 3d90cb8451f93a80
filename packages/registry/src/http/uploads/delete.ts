import { parseSessionId } from '../../oci/name.ts';
import type { RepositoryEndpoint } from '../endpoint.ts';
import { empty } from '../headers.ts';

/** end-14. Cancels a session. It wants push and not delete: podman cancels with the token it pushes with. */
export const deleteUpload: RepositoryEndpoint<'push'> = async ({ uploads }, permit, { params }) => {
  await uploads.cancel(permit, parseSessionId(params.session));
  return empty(204);
};
