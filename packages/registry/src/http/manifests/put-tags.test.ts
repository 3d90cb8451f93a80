import { afterEach, beforeEach, expect, test } from 'vitest';
import { imageOf } from '../../../test/support/documents.ts';
import { imageType, openTestRegistry, sha256, sha512, type TestRegistry } from '../../../test/support/registry.ts';

let opened: TestRegistry;
beforeEach(async () => {
  opened = openTestRegistry();
  await opened.pushBlob('acme/web', '{}');
});
afterEach(() => expect(opened.faults).toEqual([]));

const image = imageOf([]);
const put = (reference: string, headers: Readonly<Record<string, string>> = {}, body = image) =>
  opened.call('PUT', `/v2/acme/web/manifests/${reference}`, {
    headers: { 'content-type': imageType, ...headers },
    body,
  });
const tags = async (): Promise<readonly string[]> => (await opened.call('GET', '/v2/acme/web/tags/list')).json().tags;
const digestOfTag = async (tag: string): Promise<string | undefined> =>
  (await opened.call('HEAD', `/v2/acme/web/manifests/${tag}`)).headers['docker-content-digest'];

test('end-7b answers 201 with OCI-Tag for each tag, and each points to the manifest', async () => {
  const answer = await put(`${sha256(image)}?tag=1.2.3&tag=1.2&tag=1&tag=latest`);
  expect(answer.status).toBe(201);
  expect(answer.headers).toMatchObject({
    'oci-tag': '1.2.3, 1.2, 1, latest',
    'docker-content-digest': sha256(image),
    location: `/v2/acme/web/manifests/${sha256(image)}`,
  });
  expect(await tags()).toEqual(['1', '1.2', '1.2.3', 'latest']);
  for (const tag of await tags()) expect(await digestOfTag(tag)).toBe(sha256(image));
});

test('end-7b takes a tag that is named twice once, and a hundred tags', async () => {
  expect((await put(`${sha256(image)}?tag=a&tag=b&tag=a`)).headers['oci-tag']).toBe('a, b');
  const many = Array.from({ length: 100 }, (_, i) => `v${i}`);
  const answer = await put(`${sha256(image)}?${many.map((tag) => `tag=${tag}`).join('&')}`);
  expect(answer).toMatchObject({ status: 201, headers: { 'oci-tag': many.join(', ') } });
});

test('end-7b by sha512 answers 201, and the tags answer that digest', async () => {
  await put(`${sha512(image)}?tag=long`);
  expect(await digestOfTag('long')).toBe(sha512(image));
});

test('end-7b with one tag that is none is 400, and no tag is set', async () => {
  for (const wrong of ['', '-a', 'a b', 'a%00']) {
    const answer = await put(`${sha256(image)}?tag=good&tag=${wrong}`);
    expect([wrong, answer.status, ...answer.codes()]).toEqual([wrong, 400, 'MANIFEST_INVALID']);
  }
  expect(await tags()).toEqual([]);
});

test('end-7b of a manifest that is refused sets no tag', async () => {
  const incomplete = imageOf(['missing']);
  const answer = await put(`${sha256(incomplete)}?tag=a&tag=b`, {}, incomplete);
  expect([answer.status, ...answer.codes()]).toEqual([404, 'MANIFEST_BLOB_UNKNOWN']);
  expect(await tags()).toEqual([]);
});

test('end-7a by tag with more tags in the query is 400', async () => {
  const answer = await put('latest?tag=other');
  expect([answer.status, ...answer.codes()]).toEqual([400, 'MANIFEST_INVALID']);
  expect(await tags()).toEqual([]);
});

test('end-7a with If-None-Match: * makes a tag once: then it is 412 and the tag stays', async () => {
  expect((await put('latest', { 'if-none-match': '*' })).status).toBe(201);
  const other = imageOf([], { annotations: { is: 'other' } });
  const refused = await put('latest', { 'if-none-match': '*' }, other);
  expect([refused.status, ...refused.codes()]).toEqual([412, 'MANIFEST_INVALID']);
  expect(refused.json().errors[0].message).toContain('somebody moved it');
  expect(await digestOfTag('latest')).toBe(sha256(image));
  // Nor was the manifest stored: all or nothing.
  expect((await opened.call('GET', `/v2/acme/web/manifests/${sha256(other)}`)).status).toBe(404);
});

test('end-7a with If-Match moves a tag that is still where the client saw it, else 412', async () => {
  const [next, last] = ['next', 'last'].map((is) => imageOf([], { annotations: { is } })) as [string, string];
  expect((await put('latest', { 'if-match': '*' })).status).toBe(412);
  const { etag = '' } = (await put('latest')).headers;
  expect((await put('latest', { 'if-match': etag }, next)).status).toBe(201);
  expect((await put('latest', { 'if-match': etag }, last)).status).toBe(412);
  expect(await digestOfTag('latest')).toBe(sha256(next));
  expect((await put('latest', { 'if-match': `${etag}, "${sha256(next)}"` }, last)).status).toBe(201);
  expect((await put('latest', { 'if-match': '*' }, next)).status).toBe(201);
});

test('end-7b holds its condition against every tag: one that does not hold is 412, and none is moved', async () => {
  await put('taken');
  const next = imageOf([], { annotations: { is: 'next' } });
  const answer = await put(`${sha256(next)}?tag=free&tag=taken`, { 'if-none-match': '*' }, next);
  expect(answer.status).toBe(412);
  expect(await tags()).toEqual(['taken']);
  expect(await digestOfTag('taken')).toBe(sha256(image));
});

test('end-7a by digest with If-None-Match: * is 412 where the manifest is there', async () => {
  expect((await put(sha256(image), { 'if-none-match': '*' })).status).toBe(201);
  expect((await put(sha256(image), { 'if-none-match': '*' })).status).toBe(412);
});
