import { afterEach, beforeAll, expect, test } from 'vitest';
import { configType, descriptor, imageOf, indexOf, layerType } from '../../../test/support/documents.ts';
import { imageType, indexType, openTestRegistry, sha256, sha512, stream } from '../../../test/support/registry.ts';

const opened = openTestRegistry();
afterEach(() => expect(opened.faults).toEqual([]));

const at = (reference: string): string => `/v2/acme/web/manifests/${reference}`;
const put = (reference: string, body: string, type: string | undefined = imageType) =>
  opened.call('PUT', at(reference), { headers: type === '' ? {} : { 'content-type': type }, body });

beforeAll(async () => {
  for (const content of ['{}', 'layer']) await opened.pushBlob('acme/web', content);
});

test('end-7a by tag answers 201 with where the manifest is and its digest', async () => {
  const image = imageOf(['layer']);
  const answer = await put('latest', image);
  expect(answer).toMatchObject({ status: 201, text: '' });
  expect(answer.headers).toMatchObject({
    location: at(sha256(image)),
    'docker-content-digest': sha256(image),
    etag: `"${sha256(image)}"`,
    'content-length': '0',
  });
  for (const name of ['oci-subject', 'oci-tag', 'warning']) expect(answer.headers[name]).toBeUndefined();
  expect(await opened.call('GET', String(answer.headers['location']))).toMatchObject({ status: 200, text: image });
});

test('end-7a by digest answers 201 with that digest, of either algorithm', async () => {
  const image = imageOf(['layer'], { annotations: { by: 'digest' } });
  for (const digest of [sha256(image), sha512(image)]) {
    const answer = await put(digest, image);
    expect(answer).toMatchObject({ status: 201, headers: { 'docker-content-digest': digest, location: at(digest) } });
  }
});

test('end-7a moves a tag and leaves the manifest that it pointed to', async () => {
  const images = ['old', 'new'].map((name) => imageOf(['layer'], { annotations: { name } }));
  for (const image of images) await put('moving', image);
  expect((await opened.call('GET', at('moving'))).text).toBe(images[1]);
  expect((await opened.call('GET', at(sha256(images[0] ?? '')))).text).toBe(images[0]);
});

test('end-7a again answers 201 again, and its tag is there once', async () => {
  const image = imageOf(['layer'], { annotations: { pushed: 'twice' } });
  for (const _ of [1, 2]) expect((await put('twice', image)).status).toBe(201);
  const { tags } = (await opened.call('GET', '/v2/acme/web/tags/list')).json();
  expect(tags.filter((tag: string) => tag === 'twice')).toEqual(['twice']);
});

test('end-7a takes a body of unknown length', async () => {
  const image = imageOf(['layer'], { annotations: { sent: 'in chunks' } });
  const body = stream(image.slice(0, 10), image.slice(10));
  const answer = await opened.call('PUT', at('chunked'), { headers: { 'content-type': imageType }, body });
  expect(answer).toMatchObject({ status: 201, headers: { 'docker-content-digest': sha256(image) } });
});

test('end-7a drops the parameters of the Content-Type and answers 201', async () => {
  await put('parameters', imageOf(['layer']), `${imageType}; charset=utf-8`);
  expect((await opened.call('GET', at('parameters'))).headers['content-type']).toBe(imageType);
});

test('end-7a without a Content-Type answers 201 and believes the mediaType of the document', async () => {
  const answer = await put('undeclared', indexOf([]), '');
  expect(answer.status).toBe(201);
  expect(answer.headers['warning']).toBeUndefined();
  expect((await opened.call('GET', at('undeclared'))).headers['content-type']).toBe(indexType);
});

test('end-7a of a document without a mediaType answers 201 with a Warning', async () => {
  const untyped = imageOf(['layer'], { mediaType: undefined });
  for (const [type, stored] of [
    [indexType, indexType],
    ['', imageType],
  ] as const) {
    const document = type === indexType ? indexOf([], { mediaType: undefined }) : untyped;
    const answer = await put('untyped', document, type);
    expect(answer.status).toBe(201);
    expect(answer.headers['warning']).toMatch(/^299 - "The manifest has no mediaType field.*"$/);
    expect((await opened.call('GET', at('untyped'))).headers['content-type']).toBe(stored);
  }
});

test('end-7a of a document of no type at all is stored as the setting says, 201', async () => {
  const lenient = openTestRegistry({ manifests: { defaultMediaType: 'application/vnd.acme.v1+json' } });
  await lenient.call('PUT', '/v2/acme/web/manifests/a', { body: '{"a":1}' });
  const { headers } = await lenient.call('GET', '/v2/acme/web/manifests/a');
  expect(headers['content-type']).toBe('application/vnd.acme.v1+json');
});

test('end-7a with a subject answers 201 with OCI-Subject, though nobody has pushed the subject', async () => {
  const subject = descriptor('not here yet', imageType);
  for (const document of [imageOf(['layer'], { subject }), indexOf([], { subject })]) {
    const type = document.includes('"layers"') ? imageType : indexType;
    const answer = await put(sha256(document), document, type);
    expect(answer).toMatchObject({ status: 201, headers: { 'oci-subject': subject.digest } });
  }
});

test('end-7a of Docker schema 2 and of a manifest list beside OCI answers 201, and each is served as it was pushed', async () => {
  const dockerImageType = 'application/vnd.docker.distribution.manifest.v2+json';
  const dockerListType = 'application/vnd.docker.distribution.manifest.list.v2+json';
  const image = imageOf([], {
    mediaType: dockerImageType,
    config: descriptor('{}', 'application/vnd.docker.container.image.v1+json'),
    layers: [descriptor('layer', 'application/vnd.docker.image.rootfs.diff.tar.gzip')],
  });
  const ociImage = imageOf(['layer']);
  await put('latest', ociImage);
  const list = indexOf([ociImage], {
    mediaType: dockerListType,
    manifests: [descriptor(image, dockerImageType), descriptor(ociImage, imageType)],
  });
  for (const [tag, document, type] of [
    ['docker', image, dockerImageType],
    ['list', list, dockerListType],
  ] as const) {
    expect((await put(tag, document, type)).status).toBe(201);
    expect(await opened.call('GET', at(tag))).toMatchObject({ text: document, headers: { 'content-type': type } });
  }
});

test('end-7a of an unknown media type answers 201; what it has in config, layers and blobs must be there', async () => {
  const type = 'application/vnd.acme.artifact.v1+json';
  for (const field of ['layers', 'blobs']) {
    const document = (content: string) =>
      JSON.stringify({ mediaType: type, [field]: [descriptor(content, 'application/octet-stream')] });
    expect((await put('artifact', document('layer'), type)).status).toBe(201);
    const refused = await put('artifact', document('missing'), type);
    expect([refused.status, ...refused.codes()]).toEqual([404, 'MANIFEST_BLOB_UNKNOWN']);
  }
  expect((await put('artifact', JSON.stringify({ config: descriptor('missing', configType) }), type)).status).toBe(404);
  expect((await put('artifact', JSON.stringify({ nothing: 'that is known' }), type)).status).toBe(201);
});

test('end-7a of layers that may lie elsewhere answers 201 without them', async () => {
  const foreign = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
  const layers = [
    descriptor('elsewhere 1', 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'),
    descriptor('elsewhere 2', foreign),
    { ...descriptor('elsewhere 3', layerType), urls: ['https://example.com/layer'] },
  ];
  const answer = await put('windows', imageOf([], { layers }));
  expect(answer.status).toBe(201);
  expect(answer.headers['warning']).toBeUndefined();
});
