import { parseSessionId } from '../../oci/name.ts';
import { parseContentRange } from '../../oci/range.ts';
import type { RepositoryEndpoint } from '../endpoint.ts';
import { bodyLength, checkUploadType, empty } from '../headers.ts';
import { located, uploadHeaders } from './answer.ts';

/** end-5. Bytes that arrived stay when the client hangs up; without `Content-Range` they belong at the end, as docker sends a whole blob. */
export const patchUpload: RepositoryEndpoint<'push'> = async (deps, permit, { params, headers, body, signal }) => {
  const place = { name: permit.repository.name, session: parseSessionId(params.session) };
  checkUploadType(headers, deps.settings.uploads.contentTypes);
  const range = parseContentRange(headers['content-range']);
  const chunk = { range, lengthBytes: bodyLength(headers), body, signal };
  const sizeBytes = await located(deps, place, deps.uploads.append(permit, place.session, chunk));
  return empty(202, uploadHeaders(deps, place, sizeBytes));
};
