import { afterEach, expect, test } from 'vitest';
import { configType, descriptor, imageOf, indexOf } from '../../../test/support/documents.ts';
import { imageType, indexType, openTestRegistry, sha256, type TestRegistry } from '../../../test/support/registry.ts';

const strict = openTestRegistry();
const sparse = openTestRegistry({ manifests: { sparse: true } });
afterEach(() => expect([...strict.faults, ...sparse.faults]).toEqual([]));

const put = (opened: TestRegistry, target: string, body: string) =>
  opened.call('PUT', target, {
    headers: { 'content-type': body.includes('"manifests"') ? indexType : imageType },
    body,
  });

test('end-7a of an image whose content is missing is 404 MANIFEST_BLOB_UNKNOWN, one error for each digest', async () => {
  await strict.pushBlob('acme/web', 'layer 2');
  const answer = await put(strict, '/v2/acme/web/manifests/latest', imageOf(['layer 1', 'layer 2', 'layer 3']));
  expect(answer.status).toBe(404);
  const { errors } = answer.json();
  expect(errors.map(({ code, detail }: { code: string; detail: object }) => [code, detail])).toEqual(
    ['{}', 'layer 1', 'layer 3'].map((content) => ['MANIFEST_BLOB_UNKNOWN', { digest: sha256(content) }]),
  );
  expect(errors[1].message).toContain(sha256('layer 1'));
  expect((await strict.call('GET', '/v2/acme/web/manifests/latest')).status).toBe(404);
  expect((await strict.call('GET', `/v2/acme/web/manifests/${sha256(imageOf(['layer 1']))}`)).status).toBe(404);
});

test('end-7a of an index whose child is missing is 404; a blob of that digest is no child', async () => {
  const child = imageOf([], { annotations: { is: 'a child' } });
  await strict.pushBlob('acme/index', '{}');
  await strict.pushBlob('acme/index', child);
  const refused = await put(strict, '/v2/acme/index/manifests/latest', indexOf([child]));
  expect([refused.status, ...refused.codes()]).toEqual([404, 'MANIFEST_BLOB_UNKNOWN']);
  await put(strict, `/v2/acme/index/manifests/${sha256(child)}`, child);
  expect((await put(strict, '/v2/acme/index/manifests/latest', indexOf([child]))).status).toBe(201);
});

test('end-7a of content that another repository holds is 404: it must be mounted first', async () => {
  await strict.pushBlob('acme/source', '{}');
  await strict.pushBlob('acme/source', 'theirs');
  await strict.pushBlob('acme/target', '{}');
  const refused = await put(strict, '/v2/acme/target/manifests/latest', imageOf(['theirs']));
  expect([refused.status, ...refused.codes()]).toEqual([404, 'MANIFEST_BLOB_UNKNOWN']);
  const mount = `/v2/acme/target/blobs/uploads/?mount=${sha256('theirs')}&from=acme/source`;
  expect((await strict.call('POST', mount)).status).toBe(201);
  expect((await put(strict, '/v2/acme/target/manifests/latest', imageOf(['theirs']))).status).toBe(201);
});

test('end-7a that is refused makes no repository', async () => {
  expect((await put(strict, '/v2/acme/unborn/manifests/latest', imageOf(['missing']))).status).toBe(404);
  expect((await strict.call('GET', '/v2/acme/unborn/tags/list')).codes()).toEqual(['NAME_UNKNOWN']);
});

test('end-7a with manifests.sparse answers 201 without the content, and a Warning for each missing digest', async () => {
  const child = imageOf(['farther away']);
  for (const [reference, document, missing] of [
    ['image', imageOf(['far away']), ['{}', 'far away']],
    ['index', indexOf([child]), [child]],
  ] as const) {
    const answer = await put(sparse, `/v2/acme/web/manifests/${reference}`, document);
    expect(answer.status).toBe(201);
    const warnings = answer.headers['warning']?.split('\n') ?? [];
    expect(warnings).toEqual(
      missing.map((content) => `299 - "The manifest names ${sha256(content)}, which this repository does not have."`),
    );
    expect((await sparse.call('GET', `/v2/acme/web/manifests/${reference}`)).text).toBe(document);
  }
});

test('end-7a with manifests.sparse answers with at most 4096 bytes of Warning', async () => {
  const layers = Array.from({ length: 100 }, (_, i) => `far away ${i}`);
  const answer = await put(sparse, '/v2/acme/web/manifests/many', imageOf(layers));
  const warnings = answer.headers['warning']?.split('\n') ?? [];
  expect(warnings.length).toBeGreaterThan(20);
  expect(Buffer.byteLength(warnings.join(''))).toBeLessThanOrEqual(4096);
});

test('end-7a with manifests.sparse still refuses a document that is not valid, 400', async () => {
  const wrong = imageOf([], { config: { ...descriptor('{}', configType), size: 'two' } });
  const answer = await put(sparse, '/v2/acme/web/manifests/wrong', wrong);
  expect([answer.status, ...answer.codes()]).toEqual([400, 'MANIFEST_INVALID']);
});

test('end-2 of a blob that only a sparse manifest names is 404', async () => {
  await put(sparse, '/v2/acme/web/manifests/named', imageOf(['only named']));
  await sparse.pushBlob('acme/private', 'only named');
  expect((await sparse.call('GET', `/v2/acme/web/blobs/${sha256('only named')}`)).codes()).toEqual(['BLOB_UNKNOWN']);
});
