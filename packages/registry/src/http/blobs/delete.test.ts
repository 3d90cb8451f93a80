import { afterEach, expect, test } from 'vitest';
import { openTestRegistry, sha256 } from '../../../test/support/registry.ts';

const opened = openTestRegistry();
afterEach(() => expect(opened.faults).toEqual([]));

test('end-10 answers 202, and the blob is gone from this repository and no other', async () => {
  const digest = await opened.pushBlob('acme/web', 'shared');
  await opened.pushBlob('acme/other', 'shared');
  expect(await opened.call('DELETE', `/v2/acme/web/blobs/${digest}`)).toMatchObject({ status: 202, text: '' });
  expect((await opened.call('GET', `/v2/acme/web/blobs/${digest}`)).status).toBe(404);
  expect((await opened.call('GET', `/v2/acme/other/blobs/${digest}`)).text).toBe('shared');
});

test('end-10 of a blob that was deleted is 404, and it can be pushed again', async () => {
  const digest = await opened.pushBlob('acme/web', 'again');
  await opened.call('DELETE', `/v2/acme/web/blobs/${digest}`);
  const second = await opened.call('DELETE', `/v2/acme/web/blobs/${digest}`);
  expect(second.status).toBe(404);
  expect(second.codes()).toEqual(['BLOB_UNKNOWN']);
  await opened.pushBlob('acme/web', 'again');
  expect((await opened.call('GET', `/v2/acme/web/blobs/${digest}`)).text).toBe('again');
});

test('end-10 of a blob that a manifest names is 405 naming that manifest, and 202 once the manifest is gone', async () => {
  const { digest: manifest, bytes } = await opened.pushImage('acme/used', 'latest');
  const layer: string = JSON.parse(Buffer.from(bytes).toString()).layers[0].digest;
  const refused = await opened.call('DELETE', `/v2/acme/used/blobs/${layer}`);
  expect(refused.status).toBe(405);
  expect(refused.json().errors).toMatchObject([{ code: 'UNSUPPORTED', detail: { manifest } }]);
  expect(refused.json().errors[0].message).toContain(manifest);
  expect((await opened.call('HEAD', `/v2/acme/used/blobs/${layer}`)).status).toBe(200);

  expect((await opened.call('DELETE', `/v2/acme/used/manifests/${manifest}`)).status).toBe(202);
  expect((await opened.call('DELETE', `/v2/acme/used/blobs/${layer}`)).status).toBe(202);
});

test('end-10 does not mind a manifest of another repository that names the blob', async () => {
  const { bytes } = await opened.pushImage('acme/one', 'latest');
  const layer: string = JSON.parse(Buffer.from(bytes).toString()).layers[0].digest;
  await opened.pushBlob('acme/two', 'layer of latest');
  expect((await opened.call('DELETE', `/v2/acme/two/blobs/${layer}`)).status).toBe(202);
  expect((await opened.call('GET', `/v2/acme/one/blobs/${layer}`)).status).toBe(200);
});

test('end-10 is 405 while deleting blobs is switched off, and the blob stays', async () => {
  const keeping = openTestRegistry({ deletes: { blobs: false } });
  const digest = await keeping.pushBlob('acme/web', 'kept');
  const refused = await keeping.call('DELETE', `/v2/acme/web/blobs/${digest}`);
  expect(refused.status).toBe(405);
  expect(refused.codes()).toEqual(['UNSUPPORTED']);
  expect((await keeping.call('GET', `/v2/acme/web/blobs/${digest}`)).text).toBe('kept');
});

test('end-10 of an unknown blob, of an unknown repository and of no digest is 404, 404 and 400', async () => {
  await opened.pushBlob('acme/web', 'something');
  const never = sha256('never pushed');
  const codesOf = async (target: string) => {
    const { status, codes } = await opened.call('DELETE', target);
    return [status, ...codes()];
  };
  expect(await codesOf(`/v2/acme/web/blobs/${never}`)).toEqual([404, 'BLOB_UNKNOWN']);
  expect(await codesOf(`/v2/acme/nothing/blobs/${never}`)).toEqual([404, 'NAME_UNKNOWN']);
  expect(await codesOf('/v2/acme/web/blobs/latest')).toEqual([400, 'DIGEST_INVALID']);
});

test('end-10 without the delete permission is 403, and the blob stays', async () => {
  const closed = openTestRegistry({ access: { authorize: ({ action }) => action !== 'delete' } });
  const digest = await closed.pushBlob('acme/web', 'kept');
  const refused = await closed.call('DELETE', `/v2/acme/web/blobs/${digest}`);
  expect(refused.status).toBe(403);
  expect(refused.codes()).toEqual(['DENIED']);
  expect((await closed.call('GET', `/v2/acme/web/blobs/${digest}`)).text).toBe('kept');
});
