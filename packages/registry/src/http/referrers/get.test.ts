import { afterEach, beforeAll, expect, test } from 'vitest';
import { configType, descriptor, imageOf, indexOf } from '../../../test/support/documents.ts';
import { readPages } from '../../../test/support/pages.ts';
import { imageType, indexType, openTestRegistry, sha256, sha512 } from '../../../test/support/registry.ts';

const opened = openTestRegistry();
afterEach(() => expect(opened.faults).toEqual([]));

const subject = { mediaType: imageType, digest: sha256('the subject'), size: 11 };
const sbomType = 'application/vnd.example.sbom.v1+json';
const annotations = { 'org.example.format': 'json', 'org.example.note': 'ü "quoted"' };
const sbom = imageOf([], { subject, artifactType: sbomType, annotations });
const image = imageOf([], { subject });
const typedIndex = indexOf([], { subject, artifactType: sbomType });
const plainIndex = indexOf([], { subject, annotations: { is: 'an index' } });
const unrelated = imageOf([], { subject: { ...subject, digest: sha256('another subject') } });

async function push(document: string, name = 'acme/web'): Promise<void> {
  const type = document.includes('"manifests"') ? indexType : imageType;
  const answer = await opened.call('PUT', `/v2/${name}/manifests/${sha256(document)}`, {
    headers: { 'content-type': type },
    body: document,
  });
  expect(answer.status).toBe(201);
}

beforeAll(async () => {
  await opened.pushBlob('acme/web', '{}');
  for (const document of [sbom, image, typedIndex, plainIndex, unrelated]) await push(document);
});

const list = (query = '') => opened.call('GET', `/v2/acme/web/referrers/${subject.digest}${query}`);
const digestsOf = (answer: { json(): { manifests: { digest: string }[] } }) =>
  answer.json().manifests.map(({ digest }) => digest);

test('end-12a answers 200 with an index of the referrers, in byte order of their digests', async () => {
  const answer = await list();
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe(indexType);
  expect(answer.headers['oci-filters-applied']).toBeUndefined();
  expect(answer.headers['link']).toBeUndefined();
  expect(answer.json()).toMatchObject({ schemaVersion: 2, mediaType: indexType });
  expect(digestsOf(answer)).toEqual([sbom, image, typedIndex, plainIndex].map(sha256).sort());
});

test('end-12a gives each descriptor its size, type, artifactType and annotations; an image has its config type, an index none', async () => {
  const { manifests } = (await list()).json();
  const of = (document: string) => manifests.find(({ digest }: { digest: string }) => digest === sha256(document));
  expect(of(sbom)).toEqual({ ...descriptor(sbom, imageType), artifactType: sbomType, annotations });
  expect(of(image)).toEqual({ ...descriptor(image, imageType), artifactType: configType });
  expect(of(typedIndex)).toEqual({ ...descriptor(typedIndex, indexType), artifactType: sbomType });
  expect(of(plainIndex)).toEqual({ ...descriptor(plainIndex, indexType), annotations: { is: 'an index' } });
});

test('end-12a of an unknown subject, or in an unknown repository, answers 200 with an empty index', async () => {
  for (const target of [
    `/v2/acme/web/referrers/${sha256('nobody')}`,
    `/v2/acme/web/referrers/${sha512('nobody')}`,
    `/v2/acme/none/referrers/${subject.digest}`,
  ]) {
    const answer = await opened.call('GET', target);
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': indexType } });
    expect(answer.json()).toEqual({ schemaVersion: 2, mediaType: indexType, manifests: [] });
  }
});

test('end-12a gives referrers of its own repository only', async () => {
  await opened.pushBlob('acme/api', '{}');
  await push(image, 'acme/api');
  const answer = await opened.call('GET', `/v2/acme/api/referrers/${subject.digest}`);
  expect(digestsOf(answer)).toEqual([sha256(image)]);
});

test('end-12b filters by artifactType and says so, 200', async () => {
  for (const [type, documents] of [
    [sbomType, [sbom, typedIndex]],
    [configType, [image]],
    ['application/vnd.example.unknown', []],
  ] as const) {
    const answer = await list(`?artifactType=${encodeURIComponent(type)}`);
    expect(answer).toMatchObject({ status: 200, headers: { 'oci-filters-applied': 'artifactType' } });
    expect(digestsOf(answer)).toEqual(documents.map(sha256).sort());
  }
});

test('end-12b takes a media type whose + is written as it is, as the specification writes it', async () => {
  expect(digestsOf(await list(`?artifactType=${sbomType}`))).toEqual([sbom, typedIndex].map(sha256).sort());
});

test('end-12 pages by n, each with a Link to the next that keeps the filter', async () => {
  const query = `?n=1&artifactType=${encodeURIComponent(sbomType)}`;
  const pages = await readPages(opened, `/v2/acme/web/referrers/${subject.digest}${query}`);
  for (const { headers } of pages) expect(headers['oci-filters-applied']).toBe('artifactType');
  expect(pages.map(digestsOf)).toEqual([sbom, typedIndex].map((document) => [sha256(document)]).sort());
});

test('end-12 with n=0 answers 200 with an empty index and no Link', async () => {
  const answer = await list('?n=0');
  expect(answer.json().manifests).toEqual([]);
  expect(answer.headers['link']).toBeUndefined();
});

test('end-12 with a digest, a last or an n that is none is 400', async () => {
  const wrong = [
    ['/v2/acme/web/referrers/latest', 'DIGEST_INVALID'],
    ['/v2/acme/web/referrers/sha256:abc', 'DIGEST_INVALID'],
    ['/v2/acme/none/referrers/sha256:abc', 'DIGEST_INVALID'],
    [`/v2/acme/web/referrers/${subject.digest}?last=a`, 'DIGEST_INVALID'],
    [`/v2/acme/web/referrers/${subject.digest}?n=a`, 'UNSUPPORTED'],
  ] as const;
  for (const [target, code] of wrong) {
    const answer = await opened.call('GET', target);
    expect([target, answer.status, ...answer.codes()]).toEqual([target, 400, code]);
  }
});

test('end-12a has a manifest that an index under the old tag scheme lists exactly once', async () => {
  const list = indexOf([], { manifests: [sbom, image].map((document) => descriptor(document, imageType)) });
  const tag = subject.digest.replace(':', '-');
  await opened.call('PUT', `/v2/acme/web/manifests/${tag}`, { headers: { 'content-type': indexType }, body: list });
  const answer = await opened.call('GET', `/v2/acme/web/referrers/${subject.digest}`);
  expect(digestsOf(answer)).toEqual([sbom, image, typedIndex, plainIndex].map(sha256).sort());
});

test('end-12 cuts a page whose annotations would be too large for a client, with a Link to the rest', async () => {
  const filling = 'a'.repeat(1_500_000);
  const large = Array.from({ length: 5 }, (_, i) =>
    indexOf([], { subject: { ...subject, digest: sha256('annotated') }, annotations: { filling, number: String(i) } }),
  );
  for (const document of large) await push(document);
  const pages = await readPages(opened, `/v2/acme/web/referrers/${sha256('annotated')}`);
  expect(pages.length).toBeGreaterThan(1);
  for (const { bytes } of pages) expect(bytes.byteLength).toBeLessThan(5 * 1024 * 1024);
  expect(pages.flatMap(digestsOf)).toEqual(large.map(sha256).sort());
});
