import { parseReference } from '../../oci/name.ts';
import type { RepositoryEndpoint } from '../endpoint.ts';
import { empty } from '../headers.ts';

/** end-9. Deletes a tag, or a manifest with its tags. */
export const deleteManifest: RepositoryEndpoint<'delete'> = async ({ manifests }, permit, { params }) => {
  await manifests.delete(permit, parseReference(params.reference));
  return empty(202);
};
