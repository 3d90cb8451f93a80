import { afterEach, beforeEach, expect, test } from 'vitest';
import { descriptor } from '../../../test/support/documents.ts';
import { imageType, openTestRegistry, sha256, type TestRegistry } from '../../../test/support/registry.ts';

let opened: TestRegistry;
beforeEach(() => {
  opened = openTestRegistry();
});
afterEach(() => expect(opened.faults).toEqual([]));

const at = (reference: string): string => `/v2/acme/web/manifests/${reference}`;
const statusOf = async (reference: string): Promise<number> => (await opened.call('GET', at(reference))).status;
const tags = async (): Promise<readonly string[]> => (await opened.call('GET', '/v2/acme/web/tags/list')).json().tags;

test('end-9 by tag answers 202: the tag is gone, its manifest and other tags stay', async () => {
  const { digest, bytes } = await opened.pushImage('acme/web', 'a');
  const headers = { 'content-type': imageType };
  await opened.call('PUT', at('b'), { headers, body: bytes });
  expect(await opened.call('DELETE', at('a'))).toMatchObject({ status: 202, text: '' });
  expect([await statusOf('a'), await statusOf('b'), await statusOf(digest)]).toEqual([404, 200, 200]);
  expect(await tags()).toEqual(['b']);
});

test('end-9 by digest answers 202: the manifest and all its tags are gone, others stay', async () => {
  const { digest, bytes } = await opened.pushImage('acme/web', 'a');
  await opened.call('PUT', `${at(digest)}?tag=b`, { headers: { 'content-type': imageType }, body: bytes });
  await opened.pushImage('acme/web', 'other');
  expect(await opened.call('DELETE', at(digest))).toMatchObject({ status: 202, text: '' });
  expect([await statusOf('a'), await statusOf('b'), await statusOf(digest)]).toEqual([404, 404, 404]);
  expect(await tags()).toEqual(['other']);
});

test('end-9 leaves the same manifest in other repositories', async () => {
  const { digest } = await opened.pushImage('acme/web', 'a');
  await opened.pushImage('acme/api', 'a');
  await opened.call('DELETE', at(digest));
  expect((await opened.call('GET', `/v2/acme/api/manifests/${digest}`)).status).toBe(200);
});

test('end-9 takes a referrer out of the list of its subject, and leaves a subject its referrers', async () => {
  const image = await opened.pushImage('acme/web', 'image');
  const subject = { mediaType: imageType, digest: image.digest, size: image.bytes.byteLength };
  const signature = await opened.pushImage('acme/web', 'signature', { subject });
  const referrers = async () =>
    (await opened.call('GET', `/v2/acme/web/referrers/${image.digest}`)).json().manifests.length;
  await opened.call('DELETE', at(image.digest));
  expect(await referrers()).toBe(1);
  await opened.call('DELETE', at(signature.digest));
  expect(await referrers()).toBe(0);
});

test('end-9 of what is not there is 404, the second time too', async () => {
  const { digest } = await opened.pushImage('acme/web', 'a');
  for (const reference of ['a', digest]) {
    expect((await opened.call('DELETE', at(reference))).status).toBe(202);
    const again = await opened.call('DELETE', at(reference));
    expect([again.status, ...again.codes()]).toEqual([404, 'MANIFEST_UNKNOWN']);
  }
  const unknown = await opened.call('DELETE', '/v2/acme/none/manifests/a');
  expect([unknown.status, ...unknown.codes()]).toEqual([404, 'NAME_UNKNOWN']);
});

test('end-9 with what is neither tag nor digest is 400', async () => {
  await opened.pushImage('acme/web', 'a');
  expect((await opened.call('DELETE', at('-a'))).codes()).toEqual(['MANIFEST_INVALID']);
  expect((await opened.call('DELETE', at('sha256:a'))).codes()).toEqual(['DIGEST_INVALID']);
});

test('end-9 is 405 for tag and digest alike where deletes are off, known or not, and nothing is deleted', async () => {
  opened = openTestRegistry({ deletes: { manifests: false } });
  const { digest } = await opened.pushImage('acme/web', 'a');
  for (const reference of ['a', digest, 'missing', sha256('missing')]) {
    const answer = await opened.call('DELETE', at(reference));
    expect([answer.status, ...answer.codes()]).toEqual([405, 'UNSUPPORTED']);
    expect(answer.json().errors[0].message).toContain('switched off');
  }
  expect([await statusOf('a'), await statusOf(digest)]).toEqual([200, 200]);
});

test('end-9 lets the blobs of a deleted manifest be mounted and named again', async () => {
  const { digest, bytes } = await opened.pushImage('acme/web', 'a');
  await opened.call('DELETE', at(digest));
  const layer = descriptor('layer of a', '').digest;
  expect((await opened.call('HEAD', `/v2/acme/web/blobs/${layer}`)).status).toBe(200);
  const again = await opened.call('PUT', at('a'), { headers: { 'content-type': imageType }, body: bytes });
  expect(again.status).toBe(201);
});
