import { parseDigest } from '../../oci/digest.ts';
import { OciError } from '../../oci/error.ts';
import { parseSessionId } from '../../oci/name.ts';
import { parseContentRange } from '../../oci/range.ts';
import type { RepositoryEndpoint } from '../endpoint.ts';
import { bodyLength, checkUploadType } from '../headers.ts';
import { blobCreated, located } from './answer.ts';

/** end-6. Closes a session, with the last bytes or without any, and makes the blob. */
export const putUpload: RepositoryEndpoint<'push'> = async (deps, permit, { params, query, headers, body, signal }) => {
  const place = { name: permit.repository.name, session: parseSessionId(params.session) };
  const digest = query.get('digest');
  if (digest === null)
    throw new OciError('DIGEST_INVALID', 'Closing an upload needs ?digest=, the digest of the whole blob.');
  checkUploadType(headers, deps.settings.uploads.contentTypes);
  const range = parseContentRange(headers['content-range']);
  const last = { digest: parseDigest(digest), range, lengthBytes: bodyLength(headers), body, signal };
  return blobCreated(deps, place.name, await located(deps, place, deps.uploads.finish(permit, place.session, last)));
};
