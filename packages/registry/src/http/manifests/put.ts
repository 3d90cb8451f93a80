import { OciError } from '../../oci/error.ts';
import { parseContentType } from '../../oci/media-type.ts';
import { parseReference, parseTag } from '../../oci/name.ts';
import { collect, tooLarge } from '../../registry/collect.ts';
import type { RepositoryEndpoint } from '../endpoint.ts';
import { bodyLength, empty, parseCondition, warningHeaders } from '../headers.ts';
import type { ResponseHeaders } from '../message.ts';

/** end-7a and end-7b. Stores a manifest and sets its tags, all or nothing. */
export const putManifest: RepositoryEndpoint<'push'> = async (deps, permit, { params, query, headers, body }) => {
  const reference = parseReference(params.reference);
  const tags = query.getAll('tag').map(parseTag);
  if (reference.tag !== undefined && tags.length > 0) {
    throw new OciError('MANIFEST_INVALID', 'Tags in ?tag= go with a push by digest; this is a push by tag.');
  }
  const contentType = parseContentType(headers['content-type']);
  const { maxBytes } = deps.settings.manifests;
  if ((bodyLength(headers) ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const bytes = await collect(body, maxBytes);
  const pushed = await deps.manifests.push(permit, {
    reference,
    tags,
    bytes,
    contentType,
    condition: parseCondition(headers),
  });
  const { name } = permit.repository;
  const subject: ResponseHeaders = pushed.subject === undefined ? {} : { 'OCI-Subject': pushed.subject };
  const accepted: ResponseHeaders = tags.length === 0 ? {} : { 'OCI-Tag': pushed.tags.join(', ') };
  return empty(201, {
    Location: deps.urls.manifest(name, pushed.digest),
    'Docker-Content-Digest': pushed.digest,
    ETag: `"${pushed.digest}"`,
    ...subject,
    ...accepted,
    ...warningHeaders(pushed.warnings),
  });
};
