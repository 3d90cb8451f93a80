import { parseDigest } from '../../oci/digest.ts';
import type { RepositoryEndpoint } from '../endpoint.ts';
import { empty } from '../headers.ts';

/** end-10. Takes a blob from the repository; other repositories keep it. */
export const deleteBlob: RepositoryEndpoint<'delete'> = async ({ blobs }, permit, { params }) => {
  await blobs.delete(permit, parseDigest(params.reference));
  return empty(202);
};
