import { afterEach, beforeEach, expect, test } from 'vitest';
import { configType, descriptor, imageOf, indexOf } from '../../../test/support/documents.ts';
import {
  imageType,
  indexType,
  openTestRegistry,
  sha256,
  stream,
  type TestRegistry,
} from '../../../test/support/registry.ts';
import { DisconnectedError } from '../message.ts';

let opened: TestRegistry;
beforeEach(async () => {
  opened = openTestRegistry({ manifests: { maxBytes: 1000 } });
  await opened.pushBlob('acme/web', '{}');
});
afterEach(() => expect(opened.faults).toEqual([]));

const put = (reference: string, body: string | Uint8Array, type = imageType) =>
  opened.call('PUT', `/v2/acme/web/manifests/${reference}`, { headers: { 'content-type': type }, body });

/** Nothing of what was refused is there. */
async function expectNothing(): Promise<void> {
  expect((await opened.call('GET', '/v2/acme/web/tags/list')).json().tags).toEqual([]);
  expect((await opened.call('GET', '/v2/_catalog')).json()).toEqual({ repositories: [] });
}

test('end-7a of a document that can be read in two ways, or in none, is 400 and changes nothing', async () => {
  const schema1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
  const wrong: readonly (readonly [why: string, body: string | Uint8Array, type?: string])[] = [
    ['no JSON', '{'],
    ['no object', '[]'],
    ['nothing', ''],
    ['no UTF-8', new Uint8Array([0x7b, 0xff, 0x7d])],
    ['text behind it', `${imageOf([])} {}`],
    ['deep nesting', `{"a":${'['.repeat(100)}${']'.repeat(100)}}`],
    ['a key twice', imageOf([]).replace('{', `{"mediaType":"${indexType}",`)],
    ['a key twice, once with an escape', imageOf([]).replace('{', '{"\\u006cayers":[],')],
    ['a key but for its case', imageOf([], { Layers: [] })],
    ['an index and an image', indexOf([], { layers: [] }), indexType],
    ['an index with a config', indexOf([], { config: descriptor('{}', configType) }), indexType],
    ['a mediaType that is not the Content-Type', indexOf([]), imageType],
    ['a Content-Type that is none', imageOf([]), 'what is this'],
    ['a descriptor without a digest', imageOf([], { config: { mediaType: configType, size: 2 } })],
    ['a descriptor without a size', imageOf([], { config: { mediaType: configType, digest: sha256('{}') } })],
    ['a negative size', imageOf([], { config: { ...descriptor('{}', configType), size: -2 } })],
    ['an image without a config', imageOf([], { config: undefined })],
    ['schema 1', '{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[]}', 'application/json'],
    ['schema 1 by its type', '{"schemaVersion":2}', schema1],
  ];
  for (const [why, body, type] of wrong) {
    const answer = await put('latest', body, type);
    expect([why, answer.status, ...answer.codes()]).toEqual([why, 400, 'MANIFEST_INVALID']);
  }
  await expectNothing();
});

test('end-7a of schema 1 is 400 with what to do instead', async () => {
  const answer = await put('old', '{"schemaVersion":1}', 'application/vnd.docker.distribution.manifest.v1+json');
  expect(answer.json().errors[0].message).toMatch(/schema 1.*not supported: push with Docker 1\.10 or newer/);
});

test('end-7a of a mediaType that is not the Content-Type is 400 that names both', async () => {
  const answer = await put('latest', indexOf([]), imageType);
  expect(answer.status).toBe(400);
  expect(answer.text).toContain(imageType);
  expect(answer.text).toContain(indexType);
});

test('end-7a with a digest that is not that of the bytes is 400 with the right one', async () => {
  const answer = await put(sha256('other'), imageOf([]));
  expect([answer.status, ...answer.codes()]).toEqual([400, 'DIGEST_INVALID']);
  expect(answer.json().errors[0].detail).toEqual({ digest: sha256(imageOf([])) });
  await expectNothing();
});

test('end-7a of a digest in the document that is none is 400', async () => {
  const answer = await put(
    'latest',
    imageOf([], { config: { ...descriptor('{}', configType), digest: 'sha256:../..' } }),
  );
  expect([answer.status, ...answer.codes()]).toEqual([400, 'DIGEST_INVALID']);
});

test('end-7a to a tag that is none is 400', async () => {
  for (const tag of ['.hidden', 'a'.repeat(129), 'a%2Fb', 'ä']) {
    const answer = await put(tag, imageOf([]));
    expect([tag, answer.status, ...answer.codes()]).toEqual([tag, 400, 'MANIFEST_INVALID']);
  }
});

test('end-7a over the limit is 413, by its length before anything is read and by its bytes where it has none', async () => {
  const large = imageOf([], { annotations: { filling: 'a'.repeat(1000) } });
  let wasRead = false;
  async function* watched(): AsyncGenerator<Uint8Array> {
    wasRead = true;
    yield new TextEncoder().encode(large);
  }
  const known = await opened.call('PUT', '/v2/acme/web/manifests/large', {
    headers: { 'content-type': imageType, 'content-length': String(large.length) },
    body: watched(),
  });
  expect([known.status, ...known.codes(), wasRead]).toEqual([413, 'SIZE_INVALID', false]);
  expect(known.json().errors[0].message).toContain('1000 bytes');

  let pieces = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    while (true) {
      pieces += 1;
      yield new Uint8Array(400);
    }
  }
  const unknown = await opened.call('PUT', '/v2/acme/web/manifests/large', { body: endless() });
  expect([unknown.status, ...unknown.codes(), pieces]).toEqual([413, 'SIZE_INVALID', 3]);
  await expectNothing();
});

test('end-7a at the limit answers 201, and the limit is 4 MiB unless it is set', async () => {
  const filled = (sizeBytes: number) => {
    const filling = 'a'.repeat(sizeBytes - imageOf([], { annotations: { filling: '' } }).length);
    return imageOf([], { annotations: { filling } });
  };
  expect((await put('limit', filled(1000))).status).toBe(201);
  opened = openTestRegistry();
  await opened.pushBlob('acme/web', '{}');
  expect((await put('limit', filled(4 * 1024 * 1024))).status).toBe(201);
  expect((await put('limit', filled(4 * 1024 * 1024 + 1))).status).toBe(413);
});

test('end-7a whose body breaks off stores nothing', async () => {
  const body = stream(imageOf([]), new DisconnectedError());
  const answer = await opened.call('PUT', '/v2/acme/web/manifests/cut', { body });
  expect([answer.status, ...answer.codes()]).toEqual([400, 'SIZE_INVALID']);
  await expectNothing();
});
