import fc from 'fast-check';
import { expect, test } from 'vitest';
import { descriptor, digest, image, imageConfig, index, parse } from '../../test/support/manifests.ts';
import { parseDigest } from './digest.ts';
import { OciError } from './error.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import { mediaTypes } from './media-type.ts';

/** The refusal of `document`, which has to be one. */
function refusalOf(document: unknown, contentType?: string): OciError {
  try {
    parse(document, contentType);
  } catch (error) {
    expect(error).toBeInstanceOf(OciError);
    return error as OciError;
  }
  throw new Error('The document was taken.');
}

test('a document that is pushed under another media type than its own is refused', () => {
  expect(refusalOf(image, mediaTypes.imageIndex).message).toMatch('they must be equal');
  expect(refusalOf(image, mediaTypes.dockerManifest).message).toMatch('they must be equal');
  expect(refusalOf(image, mediaTypes.imageManifest.toUpperCase()).message).toMatch('they must be equal');
});

test.each([
  [
    'signed',
    { schemaVersion: 1, name: 'a', tag: 'b', fsLayers: [], history: [], signatures: [] },
    mediaTypes.dockerSchema1Signed,
  ],
  ['unsigned', { schemaVersion: 1, fsLayers: [] }, mediaTypes.dockerSchema1],
  ['of no media type', { schemaVersion: 1, fsLayers: [] }, undefined],
  ['under the media type of an image', { ...image, schemaVersion: 1 }, mediaTypes.imageManifest],
])('a Docker schema 1 manifest, %s, is refused with what to do', (_name, document, contentType) => {
  expect(refusalOf(document, contentType)).toMatchObject({ code: 'MANIFEST_INVALID', status: 400 });
  expect(refusalOf(document, contentType).message).toMatch('push with Docker 1.10 or newer');
});

test.each([
  ['manifests and layers', { ...index, layers: [descriptor(3)] }],
  ['manifests and empty layers', { ...index, layers: [] }],
  ['manifests and a config', { ...index, config: descriptor(3) }],
  ['an image with manifests', { ...image, manifests: [] }],
  ['both under an unknown media type', { mediaType: 'text/x', manifests: [], layers: [] }],
])('a document that could be two things is refused: %s (CVE-2021-41190)', (_name, document) => {
  expect(refusalOf(document).message).toMatch('either an index or an image manifest');
});

test('an image that is pushed as an index, and an index as an image, are refused', () => {
  const { mediaType: _image, ...silentImage } = image;
  const { mediaType: _index, ...silentIndex } = index;
  expect(refusalOf(silentImage, mediaTypes.imageIndex).message).toMatch('no "manifests"');
  expect(refusalOf(silentIndex, mediaTypes.imageManifest).message).toMatch('no "config"');
  expect(refusalOf(silentImage, mediaTypes.dockerManifestList).message).toMatch('no "manifests"');
  expect(refusalOf(silentIndex, mediaTypes.dockerManifest).message).toMatch('no "config"');
});

test.each([
  'Manifests',
  'MANIFESTS',
  'Layers',
  'Config',
  'mediatype',
  'MediaType',
  'Subject',
  'schemaversion',
  'Annotations',
  'ArtifactType',
  'manife\u017ft\u017f',
  '\u017fubject',
  'layer\u017f',
  'blob\u017f',
])('the key %s is refused: a reader that ignores case takes it for another', (key) => {
  expect(refusalOf({ ...image, [key]: [] }).message).toMatch('by its case alone');
  expect(refusalOf({ ...image, [key]: null, mediaType: 'text/x' }).message).toMatch('by its case alone');
});

test.each(['Digest', 'DIGEST', 'dige\u017ft', 'Size', '\u017fize', 'MediaType', 'Urls', 'URLs', 'Data'])(
  'the key %s of a descriptor is refused: a reader that ignores case takes it for another',
  (key) => {
    const message = 'by its case alone';
    const strange = descriptor(1, { [key]: digest(2) });
    expect(refusalOf({ ...image, config: strange }).message).toMatch(message);
    expect(refusalOf({ ...image, layers: [descriptor(3), strange] }).message).toMatch(`layers[1] has the key`);
    expect(refusalOf({ ...index, manifests: [strange] }).message).toMatch(message);
    expect(refusalOf({ ...image, subject: strange }).message).toMatch(message);
  },
);

test("keys of an object's own machinery are no fields", () => {
  const text = `{"schemaVersion":2,"__proto__":${JSON.stringify({ ...index, annotations: { a: 'b' } })},"constructor":{"config":1}}`;
  expect(refusalOf(text, mediaTypes.imageIndex).message).toMatch('no "manifests"');
  const parsed = parse(text, 'application/vnd.example.v1+json');
  expect(parsed).toMatchObject({ edges: [], annotations: undefined, subject: undefined, declaresMediaType: false });
  expect(refusalOf('{"mediaType":"text/x","layers":[{"__proto__":{"digest":"sha256:0","size":1}}]}').message).toMatch(
    'has no digest',
  );
});

test.each([
  ['layers that are no array', { ...image, layers: {} }],
  ['a config that is an array', { ...image, config: [imageConfig] }],
  ['a layer that is null', { ...image, layers: [null] }],
  ['a layer that is a digest', { ...image, layers: [digest(1)] }],
  ['a descriptor without digest', { ...image, layers: [{ size: 1 }] }],
  ['a digest that is a number', { ...image, layers: [descriptor(1, { digest: 1 })] }],
  ['a descriptor without size', { ...image, layers: [descriptor(1, { size: undefined })] }],
  ['a size below zero', { ...image, layers: [descriptor(1, { size: -1 })] }],
  ['a size that is a fraction', { ...image, layers: [descriptor(1, { size: 1.5 })] }],
  ['a size that is text', { ...image, layers: [descriptor(1, { size: '1' })] }],
  ['a size beyond what is exact', { ...image, layers: [descriptor(1, { size: 2 ** 53 })] }],
  ['a media type that is none', { ...image, layers: [descriptor(1, { mediaType: 'layer' })] }],
  ['a media type that is a number', { ...image, mediaType: 2 }],
  ['a media type with parameters', { ...image, mediaType: `${mediaTypes.imageManifest}; charset=utf-8` }],
  ['an artifact type that is none', { ...image, artifactType: 'sbom' }],
  ['annotations that are an array', { ...image, annotations: [] }],
  ['annotations with a number', { ...image, annotations: { a: 1 } }],
  ['annotations with null', { ...image, annotations: { a: null } }],
  ['a subject that is text', { ...image, subject: digest(1) }],
  ['another schema version', { ...image, schemaVersion: 3 }],
  ['a schema version that is text', { ...image, schemaVersion: '2' }],
  ['no schema version', { ...image, schemaVersion: undefined }],
])('%s is refused with MANIFEST_INVALID', (_name, document) => {
  expect(refusalOf(document)).toMatchObject({ code: 'MANIFEST_INVALID', status: 400 });
});

test('an infinite size is refused', () => {
  const text = JSON.stringify({ ...image, layers: [descriptor(1, { size: 1 })] }).replace('"size":1}', '"size":1e999}');
  expect(refusalOf(text).message).toMatch('has no size in bytes');
});

test('a digest of an algorithm that is not supported is refused with DIGEST_INVALID', () => {
  const strange = descriptor(1, { digest: `md5:${'0'.repeat(32)}` });
  expect(refusalOf({ ...image, layers: [strange] })).toMatchObject({ code: 'DIGEST_INVALID', status: 400 });
});

test('a document with a key twice is refused', () => {
  expect(refusalOf(`{"mediaType":"text/x",${JSON.stringify(image).slice(1)}`).message).toMatch('twice');
});

/** Documents of the right keys with values that are nearly right. */
const values: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    2,
    1,
    null,
    '',
    mediaTypes.imageManifest,
    mediaTypes.imageIndex,
    'text/x',
    [],
    {},
    [descriptor(1)],
    descriptor(2),
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.array(
    fc.record(
      { digest: fc.oneof(fc.constant(digest(1)), fc.string()), size: fc.integer(), mediaType: fc.string() },
      { requiredKeys: [] },
    ),
  ),
);
const fields = [
  'schemaVersion',
  'mediaType',
  'artifactType',
  'config',
  'layers',
  'blobs',
  'manifests',
  'subject',
  'annotations',
];
const documents = fc.dictionary(fc.constantFrom(...fields), values);

test('any document is read or refused as a bad manifest or digest, and what is read is sound', () => {
  const contentTypes = fc.option(fc.constantFrom(...Object.values(mediaTypes), 'text/x'), { nil: undefined });
  fc.assert(
    fc.property(documents, contentTypes, (document, contentType) => {
      let parsed: Manifest;
      try {
        parsed = parse(document, contentType);
      } catch (error) {
        expect(error).toBeInstanceOf(OciError);
        expect(['MANIFEST_INVALID', 'DIGEST_INVALID']).toContain((error as OciError).code);
        return;
      }
      const digests = parsed.edges.map((edge) => parseDigest(edge.digest));
      expect(new Set(digests).size).toBe(digests.length);
      expect(contentType ?? parsed.mediaType).toBe(parsed.mediaType);
    }),
    { numRuns: 5000 },
  );
});

test('any bytes are read or refused as a bad manifest', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const hints = { contentType: undefined, defaultMediaType: 'text/x' };
      expect(() => parseManifest(bytes, hints)).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }));
    }),
  );
});
