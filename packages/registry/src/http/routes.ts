import { getBase } from './base/get.ts';
import { deleteBlob } from './blobs/delete.ts';
import { getBlob } from './blobs/get.ts';
import { getCatalog } from './catalog/get.ts';
import { type Endpoint, onRegistry, onRepository, type RouteAction } from './endpoint.ts';
import { deleteManifest } from './manifests/delete.ts';
import { getManifest } from './manifests/get.ts';
import { putManifest } from './manifests/put.ts';
import { getReferrers, noReferrers } from './referrers/get.ts';
import { getTags } from './tags/get.ts';
import { getToken } from './token/get.ts';
import { getKeys } from './token/keys.ts';
import { postToken } from './token/post.ts';
import { deleteUpload } from './uploads/delete.ts';
import { getUpload } from './uploads/get.ts';
import { patchUpload } from './uploads/patch.ts';
import { mountSource, postUpload } from './uploads/post.ts';
import { putUpload } from './uploads/put.ts';

/** One endpoint of the Distribution API. */
export interface Route {
  /** Its id in the specification, or a name where it has none. */
  readonly end: string;
  /** GET answers HEAD too. */
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** `<name>` takes as many segments as it can, the others one; a slash at the end may be left out or added. */
  readonly path: string;
  readonly action: RouteAction;
  /** What the audit calls it when it was done; undefined: it is not told. */
  readonly audit?: 'push' | 'delete';
  readonly handle: Endpoint;
}

/** Every endpoint. Of two rows that fit, the first one answers: `uploads` is no digest. */
export const routes: readonly Route[] = [
  { end: 'end-1', method: 'GET', path: '/v2/', ...onRegistry('identity', getBase) },
  { end: 'catalog', method: 'GET', path: '/v2/_catalog', ...onRegistry('list', getCatalog) },
  { end: 'token', method: 'GET', path: '/v2/token', action: 'none', handle: getToken },
  { end: 'token', method: 'POST', path: '/v2/token', action: 'none', handle: postToken },
  { end: 'token-keys', method: 'GET', path: '/v2/token/keys', action: 'none', handle: getKeys },
  {
    end: 'end-4',
    method: 'POST',
    path: '/v2/<name>/blobs/uploads/',
    ...onRepository('push', postUpload, { alsoPulls: mountSource }),
  },
  { end: 'end-13', method: 'GET', path: '/v2/<name>/blobs/uploads/<session>', ...onRepository('push', getUpload) },
  { end: 'end-5', method: 'PATCH', path: '/v2/<name>/blobs/uploads/<session>', ...onRepository('push', patchUpload) },
  { end: 'end-6', method: 'PUT', path: '/v2/<name>/blobs/uploads/<session>', ...onRepository('push', putUpload) },
  {
    end: 'end-14',
    method: 'DELETE',
    path: '/v2/<name>/blobs/uploads/<session>',
    ...onRepository('push', deleteUpload),
  },
  { end: 'end-2', method: 'GET', path: '/v2/<name>/blobs/<reference>', ...onRepository('pull', getBlob) },
  {
    end: 'end-10',
    method: 'DELETE',
    path: '/v2/<name>/blobs/<reference>',
    audit: 'delete',
    ...onRepository('delete', deleteBlob),
  },
  { end: 'end-3', method: 'GET', path: '/v2/<name>/manifests/<reference>', ...onRepository('pull', getManifest) },
  {
    end: 'end-7',
    method: 'PUT',
    path: '/v2/<name>/manifests/<reference>',
    audit: 'push',
    ...onRepository('push', putManifest),
  },
  {
    end: 'end-9',
    method: 'DELETE',
    path: '/v2/<name>/manifests/<reference>',
    audit: 'delete',
    ...onRepository('delete', deleteManifest),
  },
  { end: 'end-8', method: 'GET', path: '/v2/<name>/tags/list', ...onRepository('pull', getTags) },
  {
    end: 'end-12',
    method: 'GET',
    path: '/v2/<name>/referrers/<reference>',
    ...onRepository('pull', getReferrers, { answerUnknown: noReferrers }),
  },
];
