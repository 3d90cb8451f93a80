import { afterEach, beforeEach, expect, test } from 'vitest';
import { DisconnectedError } from '../src/http/message.ts';
import type { AccessOptions, AuthorizeRequest } from '../src/index.ts';
import { sqlite } from '../src/storage/sqlite/sqlite.ts';
import { configType, descriptor, imageOf, indexOf } from './support/documents.ts';
import { imageType, indexType, openTestRegistry, sha256, stream, type TestRegistry } from './support/registry.ts';

/** Decides in every registry of this file; each test begins with everything allowed. */
let allows: (request: AuthorizeRequest) => boolean;
const access: AccessOptions = { authorize: (request) => allows(request) };

let opened: TestRegistry;
beforeEach(() => {
  allows = () => true;
  opened = openTestRegistry({ access });
});
afterEach(() => expect(opened.faults).toEqual([]));

const put = (target: string, document: string, headers: Readonly<Record<string, string>> = {}) =>
  opened.call('PUT', target, { headers: { 'content-type': imageType, ...headers }, body: document });

test('CVE-2026-27771: what is private is private on every door of /v2, reads, lists and mounts', async () => {
  const { digest } = await opened.pushImage('acme/secret', 'latest');
  await put('/v2/acme/secret/manifests/signature', imageOf([], { subject: { mediaType: imageType, digest, size: 7 } }));
  expect((await opened.call('GET', `/v2/acme/secret/referrers/${digest}`)).json().manifests).toHaveLength(1);
  allows = ({ action, repository }) => action === 'push' || repository?.visibility === 'public';
  for (const target of [
    '/v2/acme/secret/manifests/latest',
    `/v2/acme/secret/manifests/${digest}`,
    `/v2/acme/secret/blobs/${sha256('{}')}`,
    '/v2/acme/secret/tags/list',
  ]) {
    for (const method of ['GET', 'HEAD']) {
      expect([target, (await opened.call(method, target)).status]).toEqual([target, 404]);
    }
  }
  const [hidden, missing] = await Promise.all(
    ['acme/secret', 'acme/none'].map((name) => opened.call('GET', `/v2/${name}/referrers/${digest}`)),
  );
  expect(hidden?.json()).toMatchObject({ manifests: [] });
  expect([missing?.status, missing?.text]).toEqual([hidden?.status, hidden?.text]);
  expect((await opened.call('GET', '/v2/_catalog')).json()).toEqual({ repositories: [] });
  const mounted = await opened.call('POST', `/v2/acme/mine/blobs/uploads/?mount=${sha256('{}')}&from=acme/secret`);
  expect(mounted.status).toBe(202);
});

test('CVE-2026-41888: where deletes are off, a tag cannot be deleted either', async () => {
  opened = openTestRegistry({ deletes: { manifests: false } });
  const { digest } = await opened.pushImage('acme/web', 'latest');
  const answers = await Promise.all(
    ['latest', digest].map((reference) => opened.call('DELETE', `/v2/acme/web/manifests/${reference}`)),
  );
  expect(answers.map(({ status, text }) => [status, text])).toEqual(Array(2).fill([405, answers[0]?.text]));
  expect((await opened.call('GET', '/v2/acme/web/tags/list')).json().tags).toEqual(['latest']);
});

test('CVE-2026-31801: of many who may only create latest one does, in the transaction that writes it', async () => {
  await opened.pushBlob('acme/web', '{}');
  const images = Array.from({ length: 8 }, (_, i) => imageOf([], { annotations: { by: String(i) } }));
  const answers = await Promise.all(
    images.map((image) => put('/v2/acme/web/manifests/latest', image, { 'if-none-match': '*' })),
  );
  const statuses = answers.map(({ status }) => status);
  expect([...statuses].sort()).toEqual([201, ...Array(7).fill(412)]);
  const winner = images[statuses.indexOf(201)] ?? '';
  expect((await opened.call('GET', '/v2/acme/web/manifests/latest')).text).toBe(winner);
});

test('CVE-2021-41190: a document that one client reads as a manifest and another as an index is refused', async () => {
  await opened.pushBlob('acme/web', '{}');
  const layers = [descriptor('{}', 'application/vnd.oci.image.layer.v1.tar')];
  const ambiguous = [
    [imageOf([]), indexType],
    [indexOf([]), imageType],
    [imageOf([], { manifests: [] }), imageType],
    [indexOf([], { layers }), indexType],
    [indexOf([], { config: descriptor('{}', configType) }), indexType],
    [indexOf([], { mediaType: undefined, layers }), 'application/vnd.acme.v1+json'],
    [imageOf([]).replace('{', `{"mediaType":"${indexType}",`), imageType],
    [imageOf([]).replace('{', `{"MediaType":"${indexType}",`), imageType],
  ] as const;
  for (const [document, type] of ambiguous) {
    const answer = await put('/v2/acme/web/manifests/latest', document, { 'content-type': type });
    expect([document, answer.status, ...answer.codes()]).toEqual([document, 400, 'MANIFEST_INVALID']);
  }
});

test('CVE-2023-2253: a huge n asks the store for no more than a page', async () => {
  const limits: number[] = [];
  const store = sqlite({ file: ':memory:' });
  const metadata = {
    ...store,
    listRepositories: (page: Parameters<typeof store.listRepositories>[0]) => {
      limits.push(page.limit);
      return store.listRepositories(page);
    },
    listTags: (id: number, page: Parameters<typeof store.listTags>[1]) => {
      limits.push(page.limit);
      return store.listTags(id, page);
    },
    listReferrers: (...asked: Parameters<typeof store.listReferrers>) => {
      limits.push(asked[2].limit);
      return store.listReferrers(...asked);
    },
  };
  opened = openTestRegistry({ metadata });
  const { digest } = await opened.pushImage('acme/web', 'latest');
  for (const n of ['2147483647', '99999999999999999999', '9'.repeat(1_000)]) {
    for (const path of ['_catalog', 'acme/web/tags/list', `acme/web/referrers/${digest}`]) {
      expect((await opened.call('GET', `/v2/${path}?n=${n}`)).status).toBe(200);
    }
  }
  expect(limits).toHaveLength(9);
  expect(Math.max(...limits)).toBeLessThanOrEqual(10_001);
});

test('any blob pulled through any repository (openshift/origin#9819, django-oci): the link decides', async () => {
  await opened.pushBlob('acme/secret', 'secret bytes');
  await opened.pushImage('acme/web', 'latest');
  const target = `/v2/acme/web/blobs/${sha256('secret bytes')}`;
  for (const method of ['GET', 'HEAD', 'DELETE']) expect((await opened.call(method, target)).status).toBe(404);
  const naming = imageOf(['secret bytes']);
  expect((await put('/v2/acme/web/manifests/theft', naming)).codes()).toEqual(['MANIFEST_BLOB_UNKNOWN']);
  expect((await opened.call('GET', target)).status).toBe(404);
});

test('mounts from repositories that the caller may not pull (django-oci): a session, the same as for none', async () => {
  await opened.pushBlob('acme/secret', 'secret bytes');
  allows = ({ action, name }) => action === 'push' && name === 'acme/mine';
  const mount = (query: string) => opened.call('POST', `/v2/acme/mine/blobs/uploads/?mount=${query}`);
  const digest = sha256('secret bytes');
  const answers = [
    await mount(`${digest}&from=acme/secret`),
    await mount(`${digest}&from=acme/none`),
    await mount(digest),
    await mount(sha256('unknown')),
  ];
  for (const { status, headers, text } of answers) {
    expect([status, text, Object.keys(headers)]).toEqual([202, '', Object.keys(answers[0]?.headers ?? {})]);
  }
  allows = () => true;
  expect((await opened.call('HEAD', `/v2/acme/mine/blobs/${digest}`)).status).toBe(404);
});

test('a failed PATCH destroyed the session, code and message swapped (zot, olareg): it stays, and the code is a code', async () => {
  const { headers } = await opened.call('POST', '/v2/acme/web/blobs/uploads/');
  const location = String(headers['location']);
  await opened.call('PATCH', location, { body: 'hello' });
  for (const range of ['9-13', '0-4', 'a-b']) {
    const refused = await opened.call('PATCH', location, { headers: { 'content-range': range }, body: 'wrong' });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    const [error] = refused.json().errors;
    expect(error.code).toMatch(/^[A-Z_]+$/);
    expect(error.message).toMatch(/ /);
  }
  await opened.call('PATCH', location, { body: stream(new DisconnectedError()) });
  expect((await opened.call('PUT', `${location}?digest=${sha256('other')}`)).codes()).toEqual(['DIGEST_INVALID']);
  expect((await opened.call('GET', location)).headers['range']).toBe('0-4');
  expect((await opened.call('PUT', `${location}?digest=${sha256('hello')}`)).status).toBe(201);
});

test('content shown as markup: a browser runs nothing of what was pushed', async () => {
  const script = '{"a":"<script>alert(1)</script>"}';
  await put('/v2/acme/web/manifests/page', script, { 'content-type': 'text/html' });
  await opened.pushBlob('acme/web', '<script>alert(1)</script>');
  const manifest = await opened.call('GET', '/v2/acme/web/manifests/page');
  expect(manifest.headers).toMatchObject({
    'content-security-policy': "sandbox; default-src 'none'",
    'x-content-type-options': 'nosniff',
  });
  const blob = await opened.call('GET', `/v2/acme/web/blobs/${sha256('<script>alert(1)</script>')}`);
  expect(blob.headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'x-content-type-options': 'nosniff',
  });
  const refused = await opened.call('GET', '/v2/acme/<script>/manifests/latest');
  expect(refused.headers).toMatchObject({ 'content-type': 'application/json', 'x-content-type-options': 'nosniff' });
});

test('sessions guessed or used by someone else: 128 random bits, bound to their repository and to push', async () => {
  const sessions = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const { headers } = await opened.call('POST', '/v2/acme/web/blobs/uploads/');
      return String(headers['docker-upload-uuid']).replaceAll('-', '');
    }),
  );
  expect(new Set(sessions).size).toBe(50);
  for (const session of sessions) expect(session).toMatch(/^[0-9a-f]{32}$/);
  // Each of the 128 bits is both 0 and 1 somewhere; 50 fair coins all fall alike once in 2^49.
  const bits = sessions.map((session) => BigInt(`0x${session}`));
  const allOnes = 2n ** 128n - 1n;
  expect(bits.reduce((a, b) => a | b)).toBe(allOnes);
  expect(bits.reduce((a, b) => a & b)).toBe(0n);

  const { headers } = await opened.call('POST', '/v2/acme/web/blobs/uploads/');
  const location = String(headers['location']);
  const stolen = location.replace('acme/web', 'acme/mine');
  await opened.pushBlob('acme/mine', 'a blob');
  for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
    const target = method === 'PUT' ? `${stolen}?digest=${sha256('')}` : stolen;
    const answer = await opened.call(method, target);
    expect([method, answer.status, ...answer.codes()]).toEqual([method, 404, 'BLOB_UPLOAD_UNKNOWN']);
  }
  allows = ({ action }) => action !== 'push';
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    expect([method, (await opened.call(method, location)).status]).toEqual([method, 403]);
  }
  allows = () => true;
  expect((await opened.call('GET', location)).status).toBe(204);
});

test('X-Forwarded-For and its kin believed from anyone: they change nothing in an answer', async () => {
  opened = openTestRegistry({ sources: { randomId: () => 'a'.repeat(32) } });
  const headers = {
    'x-forwarded-for': '10.0.0.1',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    'x-original-url': '/v2/_catalog',
    'x-http-method-override': 'DELETE',
    forwarded: 'for=10.0.0.1;host=evil.example',
    host: 'evil.example',
  };
  const { digest } = await opened.pushImage('acme/web', 'latest');
  const read = `/v2/acme/web/manifests/${digest}`;
  expect(await comparable('GET', read, headers)).toEqual(await comparable('GET', read, {}));
  const tags = '/v2/acme/web/tags/list?n=0';
  expect(await comparable('GET', tags, headers)).toEqual(await comparable('GET', tags, {}));
});

async function comparable(method: string, target: string, headers: Readonly<Record<string, string>>) {
  const answer = await opened.call(method, target, { headers });
  return [answer.status, answer.headers, answer.text];
}

test('anonymous push and a read-only user that pushed (hypeman#74, serverless-registry#154): every write is asked', async () => {
  const { digest } = await opened.pushImage('acme/web', 'latest');
  const session = String((await opened.call('POST', '/v2/acme/web/blobs/uploads/')).headers['location']);
  allows = ({ action }) => action === 'pull';
  for (const [method, target] of [
    ['POST', '/v2/acme/web/blobs/uploads/'],
    ['POST', `/v2/acme/web/blobs/uploads/?digest=${sha256('a')}`],
    ['POST', `/v2/acme/web/blobs/uploads/?mount=${sha256('{}')}&from=acme/web`],
    ['PATCH', session],
    ['PUT', `${session}?digest=${sha256('a')}`],
    ['DELETE', session],
    ['PUT', '/v2/acme/web/manifests/latest'],
    ['PUT', '/v2/acme/new/manifests/latest'],
    ['DELETE', '/v2/acme/web/manifests/latest'],
    ['DELETE', `/v2/acme/web/manifests/${digest}`],
    ['DELETE', `/v2/acme/web/blobs/${sha256('{}')}`],
  ] as const) {
    const answer = await opened.call(method, target, method === 'DELETE' ? {} : { body: 'a' });
    expect([method, target, answer.status, ...answer.codes()]).toEqual([method, target, 403, 'DENIED']);
  }
  expect((await opened.call('GET', '/v2/acme/web/manifests/latest')).headers['docker-content-digest']).toBe(digest);
});

test('a cookie accepted on /v2 opens cross-site requests: a cookie is nobody, and no answer sets one or lets another site read', async () => {
  const asked: AuthorizeRequest[] = [];
  allows = (request) => asked.push(request) === 0;
  const headers = { cookie: 'session=admin', origin: 'https://evil.example' };
  for (const [method, target] of [
    ['GET', '/v2/acme/web/tags/list'],
    ['POST', '/v2/acme/web/blobs/uploads/'],
  ] as const) {
    const answer = await opened.call(method, target, { headers });
    expect([403, 404]).toContain(answer.status);
    const names = Object.keys(answer.headers);
    expect(names.filter((name) => /^(set-cookie|access-control-)/.test(name))).toEqual([]);
  }
  expect(asked.map(({ action, identity }) => [action, identity])).toEqual([
    ['pull', undefined],
    ['push', undefined],
    ['pull', undefined],
  ]);
});
