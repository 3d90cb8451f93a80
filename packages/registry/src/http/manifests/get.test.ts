import { afterEach, beforeAll, expect, test } from 'vitest';
import { imageOf } from '../../../test/support/documents.ts';
import { imageType, openTestRegistry, sha256, sha512 } from '../../../test/support/registry.ts';

const opened = openTestRegistry();
afterEach(() => expect(opened.faults).toEqual([]));

// Spaces and the order of keys are the pusher's: a registry that wrote the document anew would be found out.
const manifest = imageOf(['layer'], { annotations: { b: 'ü', a: '1' } }).replace('{', '{\n  ');
const digest = sha256(manifest);
const at = (reference: string): string => `/v2/acme/web/manifests/${reference}`;
const put = (reference: string, body = manifest, type = imageType) =>
  opened.call('PUT', at(reference), { headers: { 'content-type': type }, body });

beforeAll(async () => {
  for (const content of ['{}', 'layer']) await opened.pushBlob('acme/web', content);
  await put('latest');
});

test('end-3 by tag answers 200 with the bytes, the type and the digest that were pushed', async () => {
  const answer = await opened.call('GET', at('latest'));
  expect(answer).toMatchObject({ status: 200, text: manifest });
  expect(answer.headers).toMatchObject({
    'content-type': imageType,
    'content-length': String(answer.bytes.byteLength),
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    'cache-control': 'no-transform',
  });
});

test('end-3 by sha256 digest answers 200 with the same, and %3A is its colon', async () => {
  for (const reference of [digest, digest.replace(':', '%3A')]) {
    const answer = await opened.call('GET', at(reference));
    expect(answer).toMatchObject({ status: 200, text: manifest, headers: { 'docker-content-digest': digest } });
  }
});

test('end-3 by the tag of a push by sha512 digest answers 200 with that digest, not with the sha256 one', async () => {
  const image = imageOf(['layer'], { annotations: { of: 'sha512' } });
  expect((await put(`${sha512(image)}?tag=long`, image)).status).toBe(201);
  for (const reference of ['long', sha512(image)]) {
    const answer = await opened.call('GET', at(reference));
    expect(answer).toMatchObject({ status: 200, text: image, headers: { 'docker-content-digest': sha512(image) } });
  }
  expect((await opened.call('GET', at(sha256(image)))).codes()).toEqual(['MANIFEST_UNKNOWN']);
});

test('end-3 HEAD answers 200 with the headers of GET and no body', async () => {
  for (const reference of ['latest', digest]) {
    const { headers: wanted } = await opened.call('GET', at(reference));
    const answer = await opened.call('HEAD', at(reference));
    expect(answer).toMatchObject({ status: 200, text: '' });
    expect({ ...answer.headers, 'x-request-id': '' }).toEqual({ ...wanted, 'x-request-id': '' });
  }
});

test('end-3 answers 304 without a body to who has the manifest, on GET and HEAD', async () => {
  for (const method of ['GET', 'HEAD']) {
    for (const tags of [`"${digest}"`, `"other", W/"${digest}"`, '*']) {
      const answer = await opened.call(method, at('latest'), { headers: { 'if-none-match': tags } });
      expect(answer).toMatchObject({ status: 304, text: '', headers: { etag: `"${digest}"` } });
      expect(answer.headers['content-length']).toBeUndefined();
    }
  }
});

test('end-3 answers 200 to who has another manifest', async () => {
  const answer = await opened.call('GET', at('latest'), { headers: { 'if-none-match': `"${sha256('other')}"` } });
  expect(answer).toMatchObject({ status: 200, text: manifest });
});

test('end-3 ignores Accept: a manifest has the type it was pushed with', async () => {
  const answer = await opened.call('GET', at('latest'), { headers: { accept: 'application/json' } });
  expect(answer).toMatchObject({ status: 200, headers: { 'content-type': imageType } });
});

test('end-3 gives a type of the pusher under a policy that keeps a browser from running it', async () => {
  await put('page', '{"a":"<script>"}', 'text/html; charset=utf-8');
  const answer = await opened.call('GET', at('page'));
  expect(answer.headers).toMatchObject({
    'content-type': 'text/html',
    'content-security-policy': "sandbox; default-src 'none'",
    'x-content-type-options': 'nosniff',
  });
});

test('end-3 of what is not there is 404, and HEAD has the headers of that document', async () => {
  for (const reference of ['missing', sha256('missing'), sha512('missing')]) {
    const answer = await opened.call('GET', at(reference));
    expect([answer.status, ...answer.codes()]).toEqual([404, 'MANIFEST_UNKNOWN']);
    const head = await opened.call('HEAD', at(reference));
    expect(head).toMatchObject({ status: 404, text: '' });
    expect(head.headers['content-length']).toBe(answer.headers['content-length']);
  }
  const answer = await opened.call('GET', '/v2/acme/none/manifests/latest');
  expect([answer.status, ...answer.codes()]).toEqual([404, 'NAME_UNKNOWN']);
});

test('end-3 of a manifest of another repository is 404', async () => {
  await opened.pushImage('acme/api', 'latest');
  const answer = await opened.call('GET', `/v2/acme/api/manifests/${digest}`);
  expect([answer.status, ...answer.codes()]).toEqual([404, 'MANIFEST_UNKNOWN']);
});

test('end-3 with what is neither tag nor digest is 400', async () => {
  const wrong = [
    ['-latest', 'MANIFEST_INVALID'],
    ['a'.repeat(129), 'MANIFEST_INVALID'],
    ['%00', 'MANIFEST_INVALID'],
    ['%zz', 'MANIFEST_INVALID'],
    ['%2e%2e', 'MANIFEST_INVALID'],
    ['sha256:abc', 'DIGEST_INVALID'],
    ['md5:d41d8cd98f00b204e9800998ecf8427e', 'DIGEST_INVALID'],
    [digest.toUpperCase(), 'DIGEST_INVALID'],
  ] as const;
  for (const [reference, code] of wrong) {
    const answer = await opened.call('GET', at(reference));
    expect([reference, answer.status, ...answer.codes()]).toEqual([reference, 400, code]);
  }
});

test('end-3 that is refused with words is 403 on GET, and on HEAD 404, so that who looks before a push goes on to the words of the push', async () => {
  const hub = openTestRegistry({ access: { authorize: ({ action }) => ({ refuse: `Ask before you ${action}.` }) } });
  const answer = await hub.call('GET', at('latest'));
  expect([answer.status, answer.json().errors[0].message]).toEqual([403, 'Ask before you pull.']);
  expect((await hub.call('HEAD', at('latest'))).status).toBe(404);
  const push = await hub.call('POST', '/v2/acme/web/blobs/uploads/');
  expect([push.status, push.json().errors[0].message]).toEqual([403, 'Ask before you push.']);
});
