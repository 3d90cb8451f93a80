import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseDigest } from '../src/oci/digest.ts';
import { parseRepositoryName } from '../src/oci/name.ts';
import { sqlite } from '../src/storage/sqlite/sqlite.ts';
import { configType, descriptor, imageOf, indexOf } from './support/documents.ts';
import { imageType, indexType, openTestRegistry, sha256, stream, type TestRegistry } from './support/registry.ts';

let opened: TestRegistry;
beforeEach(() => {
  opened = openTestRegistry();
});
afterEach(() => expect(opened.faults).toEqual([]));

const uploads = '/v2/acme/web/blobs/uploads/';
const blobAt = (content: string): string => `/v2/acme/web/blobs/${sha256(content)}`;
const begin = async (target = uploads): Promise<string> =>
  String((await opened.call('POST', target)).headers['location']);
const put = (reference: string, document: string, type: string) =>
  opened.call('PUT', `/v2/acme/web/manifests/${reference}`, { headers: { 'content-type': type }, body: document });

test('all clients, behind a proxy: Location and Link are relative, and absolute under publicUrl alone', async () => {
  const forwarded = {
    host: 'inner:5000',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'evil.example',
    forwarded: 'host=evil.example',
  };
  for (const [publicUrl, base] of [
    [undefined, ''],
    ['https://hub.example/', 'https://hub.example'],
  ] as const) {
    opened = openTestRegistry({ publicUrl });
    for (const tag of ['a', 'b']) await put(tag, indexOf([]), indexType);
    const session = await opened.call('POST', uploads, { headers: forwarded });
    expect(session.headers['location']).toMatch(new RegExp(`^${base}/v2/acme/web/blobs/uploads/[0-9a-f-]{36}$`));
    const manifest = await opened.call('PUT', '/v2/acme/web/manifests/c', {
      headers: { ...forwarded, 'content-type': indexType },
      body: indexOf([]),
    });
    expect(manifest.headers['location']).toBe(`${base}/v2/acme/web/manifests/${sha256(indexOf([]))}`);
    const page = await opened.call('GET', '/v2/acme/web/tags/list?n=1', { headers: forwarded });
    expect(page.headers['link']).toBe(`<${base}/v2/acme/web/tags/list?n=1&last=a>; rel="next"`);
  }
});

test('docker, podman, skopeo: one PATCH with the whole blob, no Content-Range and no length, then PUT without a body', async () => {
  const location = await begin();
  const patched = await opened.call('PATCH', location, {
    headers: { 'transfer-encoding': 'chunked', 'content-type': 'application/octet-stream' },
    body: stream('whole ', 'blob'),
  });
  expect(patched).toMatchObject({ status: 202, headers: { range: '0-9' } });
  const closed = await opened.call('PUT', `${patched.headers['location']}?digest=${sha256('whole blob')}`);
  expect(closed).toMatchObject({ status: 201, headers: { 'docker-content-digest': sha256('whole blob') } });
  expect((await opened.call('GET', blobAt('whole blob'))).text).toBe('whole blob');
});

test('containerd, buildkit: POST with mount and from, and where that is a session, PUT with the body', async () => {
  await opened.pushBlob('acme/base', 'shared');
  const mount = (content: string) => `${uploads}?mount=${sha256(content)}&from=acme/base`;
  expect(await opened.call('POST', mount('shared'))).toMatchObject({
    status: 201,
    headers: { location: blobAt('shared'), 'docker-content-digest': sha256('shared') },
  });
  const session = await opened.call('POST', mount('not there'));
  expect(session.status).toBe(202);
  const closed = await opened.call('PUT', `${session.headers['location']}?digest=${sha256('not there')}`, {
    body: 'not there',
  });
  expect(closed.status).toBe(201);
});

test('crane: mount, PATCH streamed, PUT; every Location stays on the host of the request', async () => {
  const session = await opened.call('POST', `${uploads}?mount=${sha256('crane')}&from=acme/base&origin=registry.test`);
  const patched = await opened.call('PATCH', String(session.headers['location']), { body: stream('crane') });
  const closed = await opened.call('PUT', `${patched.headers['location']}?digest=${sha256('crane')}`);
  expect([session, patched, closed].map(({ status }) => status)).toEqual([202, 202, 201]);
  for (const { headers } of [session, patched, closed])
    expect(headers['location']).toMatch(/^\/v2\/acme\/web\/blobs\//);
});

test('podman, skopeo: a session is cancelled with push alone', async () => {
  opened = openTestRegistry({ access: { authorize: ({ action }) => action === 'push' } });
  const location = await begin(`${uploads}?mount=${sha256('unknown')}&from=acme/base`);
  expect((await opened.call('DELETE', location)).status).toBe(204);
  expect((await opened.call('GET', location)).codes()).toEqual(['BLOB_UPLOAD_UNKNOWN']);
});

test('containerd: Accept-Encoding never compresses content, and no middleware may', async () => {
  const image = await opened.pushImage('acme/web', 'latest');
  const headers = { 'accept-encoding': 'zstd, gzip, deflate' };
  for (const target of [`/v2/acme/web/manifests/${image.digest}`, blobAt('layer of latest')]) {
    const answer = await opened.call('GET', target, { headers });
    expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-transform' } });
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(target.endsWith(sha256(answer.bytes))).toBe(true);
  }
});

test('containerd: ?ns=HOST is no reason to refuse', async () => {
  const image = await opened.pushImage('acme/web', 'latest');
  for (const target of ['manifests/latest', `blobs/${sha256('{}')}`, `referrers/${image.digest}`, 'tags/list']) {
    expect((await opened.call('GET', `/v2/acme/web/${target}?ns=docker.io`)).status).toBe(200);
  }
});

test('containerd: one large layer is fetched by several ranges at once, and by range from where a pull broke off', async () => {
  const layer = Array.from({ length: 40_000 }, (_, i) => i % 10).join('');
  await opened.pushBlob('acme/web', layer);
  const ranges = Array.from({ length: 8 }, (_, i) => `bytes=${i * 5_000}-${i * 5_000 + 4_999}`);
  const parts = await Promise.all(ranges.map((range) => opened.call('GET', blobAt(layer), { headers: { range } })));
  expect(parts.map(({ status }) => status)).toEqual(Array(8).fill(206));
  expect(parts.map(({ text }) => text).join('')).toBe(layer);
  const rest = await opened.call('GET', blobAt(layer), { headers: { range: 'bytes=12345-' } });
  expect(rest).toMatchObject({ status: 206, text: layer.slice(12_345) });
});

test('containerd: HEAD of a blob, then of a manifest, for a bare digest', async () => {
  const { digest, bytes } = await opened.pushImage('acme/web', 'latest');
  expect((await opened.call('HEAD', `/v2/acme/web/blobs/${digest}`)).status).toBe(404);
  expect(await opened.call('HEAD', `/v2/acme/web/manifests/${digest}`)).toMatchObject({
    status: 200,
    headers: {
      'content-length': String(bytes.byteLength),
      'content-type': imageType,
      'docker-content-digest': digest,
    },
  });
  expect(await opened.call('HEAD', blobAt('{}'))).toMatchObject({
    status: 200,
    headers: {
      'content-length': '2',
      'content-type': 'application/octet-stream',
      'docker-content-digest': sha256('{}'),
    },
  });
});

test('oras, podman: Accept-Ranges: bytes, and an exact Content-Range with 206', async () => {
  await opened.pushBlob('acme/web', '0123456789');
  for (const method of ['GET', 'HEAD']) {
    const { headers } = await opened.call(method, blobAt('0123456789'));
    expect(headers).toMatchObject({ 'accept-ranges': 'bytes', 'content-length': '10' });
  }
  const part = await opened.call('GET', blobAt('0123456789'), { headers: { range: 'bytes=4-' } });
  expect(part).toMatchObject({
    status: 206,
    text: '456789',
    headers: { 'content-range': 'bytes 4-9/10', 'content-length': '6' },
  });
});

test('oras, regctl, cosign: OCI-Subject and Warning are sent, and tags of the old scheme change nothing in the referrers', async () => {
  const image = await opened.pushImage('acme/web', 'latest');
  const subject = { mediaType: imageType, digest: image.digest, size: image.bytes.byteLength };
  const signature = imageOf([], { mediaType: undefined, subject });
  const pushed = await put(sha256(signature), signature, imageType);
  expect(pushed).toMatchObject({ status: 201, headers: { 'oci-subject': image.digest } });
  expect(pushed.headers['warning']).toMatch(/^299 - ".+"$/);
  const fallback = indexOf([], { manifests: [descriptor(signature, imageType)] });
  expect((await put(image.digest.replace(':', '-'), fallback, indexType)).status).toBe(201);
  const { manifests } = (await opened.call('GET', `/v2/acme/web/referrers/${image.digest}`)).json();
  expect(manifests).toEqual([{ ...descriptor(signature, imageType), artifactType: configType }]);
});

test('cosign: tags sha256-<hex>.sig, .att and .sbom are tags like any other', async () => {
  const { digest } = await opened.pushImage('acme/web', 'latest');
  const names = ['att', 'sbom', 'sig'].map((kind) => `${digest.replace(':', '-')}.${kind}`);
  for (const name of names) expect((await put(name, imageOf([]), imageType)).status).toBe(201);
  const { tags } = (await opened.call('GET', '/v2/acme/web/tags/list')).json();
  expect(tags).toEqual(['latest', ...names]);
});

test('long tokens, many ?tag=: a hundred tags are set, and a longer URL gets 414 with an error document', async () => {
  await opened.pushBlob('acme/web', '{}');
  const query = (count: number) => Array.from({ length: count }, (_, i) => `tag=version-1.2.3-build.${i}`).join('&');
  const image = imageOf([]);
  expect((await put(`${sha256(image)}?${query(100)}`, image, imageType)).status).toBe(201);
  const refused = await put(`${sha256(image)}?${query(1_000)}`, image, imageType);
  expect([refused.status, ...refused.codes()]).toEqual([414, 'UNSUPPORTED']);
});

test('many clients: /v2 and /v2/, uploads with and without the last slash; %2F in a name is NAME_INVALID', async () => {
  for (const target of ['/v2', '/v2/']) expect((await opened.call('GET', target)).status).toBe(200);
  for (const target of [uploads, uploads.slice(0, -1), `${uploads.slice(0, -1)}?mount=&from=acme/base`]) {
    const status = target.includes('mount') ? 400 : 202;
    expect([target, (await opened.call('POST', target)).status]).toEqual([target, status]);
  }
  const location = await begin();
  expect((await opened.call('PATCH', `${location}/`, { body: 'a' })).status).toBe(202);
  expect((await opened.call('PUT', `${location}/?digest=${sha256('a')}`)).status).toBe(201);
  for (const target of ['/v2/acme%2Fweb/tags/list', '/v2/acme%2fweb/blobs/uploads/']) {
    const answer = await opened.call(target.endsWith('list') ? 'GET' : 'POST', target);
    expect([answer.status, ...answer.codes()]).toEqual([400, 'NAME_INVALID']);
  }
});

test('docker push after a delete: a HEAD that answered 200 renews the lease of the blob', async () => {
  const metadata = sqlite({ file: ':memory:' });
  opened = openTestRegistry({ metadata });
  await opened.pushBlob('acme/web', 'a layer');
  const leaseUntilMs = async (): Promise<number> => {
    const repository = await metadata.findRepository(parseRepositoryName('acme/web'));
    const blob = await metadata.findBlob(repository?.id ?? 0, parseDigest(sha256('a layer')));
    return blob?.leaseUntilMs ?? 0;
  };
  const pushedUntilMs = await leaseUntilMs();
  const dayMs = 86_400_000;
  opened.advance(dayMs * 0.75);
  expect((await opened.call('GET', blobAt('a layer'))).status).toBe(200);
  expect(await leaseUntilMs()).toBe(pushedUntilMs);
  expect((await opened.call('HEAD', blobAt('a layer'))).status).toBe(200);
  expect(await leaseUntilMs()).toBe(pushedUntilMs + dayMs * 0.75);
});

test('docker push after a delete: the layers of a deleted manifest are still there to be named again', async () => {
  const { digest, bytes } = await opened.pushImage('acme/web', 'latest');
  await opened.call('DELETE', `/v2/acme/web/manifests/${digest}`);
  expect((await opened.call('HEAD', blobAt('layer of latest'))).status).toBe(200);
  expect((await put('latest', Buffer.from(bytes).toString(), imageType)).status).toBe(201);
});

test('BuildKit, --cache-to type=registry: an index of layers, and with image-manifest=true an image, are accepted', async () => {
  for (const content of ['layer', 'cache config', '{}']) await opened.pushBlob('acme/web', content);
  const cacheConfigType = 'application/vnd.buildkit.cacheconfig.v0';
  const layer = descriptor('layer', 'application/vnd.oci.image.layer.v1.tar+gzip');
  const config = descriptor('cache config', cacheConfigType);
  const index = indexOf([], { manifests: [layer, config] });
  expect((await put('cache', index, indexType)).status).toBe(201);
  const image = imageOf([], { config, layers: [layer] });
  expect((await put('cache-image', image, imageType)).status).toBe(201);
  const incomplete = indexOf([], { manifests: [descriptor('missing', layer.mediaType), config] });
  expect((await put('cache', incomplete, indexType)).codes()).toEqual(['MANIFEST_BLOB_UNKNOWN']);
});

test('Docker and OCI manifests mixed in one repository and one index are served as they were pushed', async () => {
  const dockerType = 'application/vnd.docker.distribution.manifest.v2+json';
  await opened.pushBlob('acme/web', '{}');
  const docker = imageOf([], { mediaType: dockerType });
  const oci = imageOf([]);
  const index = indexOf([], { manifests: [descriptor(docker, dockerType), descriptor(oci, imageType)] });
  for (const [tag, document, type] of [
    ['docker', docker, dockerType],
    ['oci', oci, imageType],
    ['mixed', index, indexType],
  ] as const) {
    expect((await put(tag, document, type)).status).toBe(201);
    const answer = await opened.call('GET', `/v2/acme/web/manifests/${tag}`, { headers: { accept: imageType } });
    expect(answer).toMatchObject({ status: 200, text: document, headers: { 'content-type': type } });
  }
});

test('Ollama, model hubs: own media types, a layer in chunks that resume', async () => {
  const location = await begin();
  const chunks = ['a'.repeat(20_000), 'b'.repeat(20_000)];
  await opened.call('PATCH', location, { headers: { 'content-range': '0-19999' }, body: chunks[0] ?? '' });
  const { headers } = await opened.call('GET', location);
  expect(headers['range']).toBe('0-19999');
  await opened.call('PATCH', location, { headers: { 'content-range': '20000-39999' }, body: chunks[1] ?? '' });
  const model = chunks.join('');
  expect((await opened.call('PUT', `${location}?digest=${sha256(model)}`)).status).toBe(201);
  await opened.pushBlob('acme/web', '{}');
  const dockerType = 'application/vnd.docker.distribution.manifest.v2+json';
  const manifest = imageOf([], {
    mediaType: dockerType,
    config: descriptor('{}', 'application/vnd.docker.container.image.v1+json'),
    layers: [descriptor(model, 'application/vnd.ollama.image.model')],
  });
  expect((await put('7b', manifest, dockerType)).status).toBe(201);
});

test('Apptainer, Singularity: a SIF is an artifact like any other', async () => {
  await opened.pushBlob('acme/web', 'a SIF');
  await opened.pushBlob('acme/web', '{}');
  const manifest = imageOf([], {
    mediaType: undefined,
    config: descriptor('{}', 'application/vnd.sylabs.sif.config.v1+json'),
    layers: [descriptor('a SIF', 'application/vnd.sylabs.sif.layer.v1.sif')],
  });
  expect((await put('sif', manifest, imageType)).status).toBe(201);
  expect(await opened.call('GET', '/v2/acme/web/manifests/sif')).toMatchObject({ status: 200, text: manifest });
  expect((await opened.call('GET', blobAt('a SIF'))).text).toBe('a SIF');
});
