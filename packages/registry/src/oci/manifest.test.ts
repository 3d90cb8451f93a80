import { expect, test } from 'vitest';
import { descriptor, digest, encode, image, imageConfig, index, parse } from '../../test/support/manifests.ts';
import { digestOf } from './digest.ts';
import { mediaTypes } from './media-type.ts';

const blob = (n: number, required = true) => ({ digest: digest(n), kind: 'blob', required });
const child = (n: number) => ({ digest: digest(n), kind: 'manifest', required: true });

test('an OCI image names its config and its layers, in their order', () => {
  expect(parse(image, mediaTypes.imageManifest)).toEqual({
    mediaType: mediaTypes.imageManifest,
    artifactType: imageConfig.mediaType,
    subject: undefined,
    annotations: undefined,
    edges: [blob(1), blob(2), blob(3)],
    declaresMediaType: true,
  });
});

test('an OCI index names its children, and has no artifact type of its own', () => {
  const parsed = parse(index, mediaTypes.imageIndex);
  expect(parsed).toMatchObject({ mediaType: mediaTypes.imageIndex, artifactType: undefined });
  expect(parsed.edges).toEqual([child(1), child(2)]);
});

test('an index may be empty, and an image may have no layers', () => {
  expect(parse({ ...index, manifests: [] }).edges).toEqual([]);
  expect(parse({ ...image, layers: [] }).edges).toEqual([blob(1)]);
  expect(parse({ ...image, layers: null }).edges).toEqual([blob(1)]);
});

test('Docker schema 2 and its list are read alike', () => {
  const docker = { ...image, mediaType: mediaTypes.dockerManifest };
  expect(parse(docker, mediaTypes.dockerManifest).edges).toEqual([blob(1), blob(2), blob(3)]);
  const list = { ...index, mediaType: mediaTypes.dockerManifestList };
  expect(parse(list, mediaTypes.dockerManifestList).edges).toEqual([child(1), child(2)]);
});

test('an OCI artifact manifest of the 1.1 candidates names its blobs', () => {
  const mediaType = 'application/vnd.oci.artifact.manifest.v1+json';
  const artifact = { mediaType, artifactType: 'text/x-sbom', blobs: [descriptor(1)], subject: descriptor(2) };
  expect(parse(artifact, mediaType)).toMatchObject({
    mediaType,
    artifactType: 'text/x-sbom',
    subject: digest(2),
    edges: [blob(1)],
  });
});

test('a build cache of BuildKit is an index whose children are blobs', () => {
  const cache = {
    ...index,
    manifests: [
      descriptor(1, { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' }),
      descriptor(2, { mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' }),
      descriptor(3, { mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' }),
      descriptor(4, { mediaType: 'application/vnd.buildkit.cacheconfig.v0' }),
    ],
  };
  expect(parse(cache, mediaTypes.imageIndex).edges).toEqual([blob(1), blob(2), blob(3), blob(4)]);
  const list = { ...cache, mediaType: mediaTypes.dockerManifestList };
  expect(parse(list, mediaTypes.dockerManifestList).edges).toEqual([blob(1), blob(2), blob(3), blob(4)]);
});

test('a child of an index whose media type is unknown or absent is a manifest', () => {
  const manifests = [
    descriptor(1, { mediaType: 'application/vnd.example.v1+json' }),
    descriptor(2, { mediaType: undefined }),
  ];
  expect(parse({ ...index, manifests }).edges).toEqual([child(1), child(2)]);
});

test('a Helm chart has the artifact type of its config', () => {
  const config = descriptor(1, { mediaType: 'application/vnd.cncf.helm.config.v1+json' });
  const layers = [descriptor(2, { mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip' })];
  const chart = { ...image, config, layers, annotations: { 'org.opencontainers.image.title': 'chart' } };
  expect(parse(chart)).toMatchObject({
    artifactType: 'application/vnd.cncf.helm.config.v1+json',
    annotations: { 'org.opencontainers.image.title': 'chart' },
    edges: [blob(1), blob(2)],
  });
});

test('a signature of cosign with a subject is a referrer, of its own artifact type', () => {
  const layers = [
    descriptor(2, {
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      annotations: { 'dev.cosignproject.cosign/signature': 'MEUCIQ==' },
    }),
  ];
  const signature = {
    ...image,
    layers,
    artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json',
    subject: descriptor(9),
  };
  expect(parse(signature)).toMatchObject({
    artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json',
    subject: digest(9),
    annotations: undefined,
    edges: [blob(1), blob(2)],
  });
});

test('a subject is not content that has to be there', () => {
  expect(parse({ ...index, subject: descriptor(9) })).toMatchObject({
    subject: digest(9),
    edges: [child(1), child(2)],
  });
});

test('an empty artifact type is none: the media type of the config counts', () => {
  expect(parse({ ...image, artifactType: '' }).artifactType).toBe(imageConfig.mediaType);
  expect(parse({ ...index, artifactType: 'text/plain' }).artifactType).toBe('text/plain');
});

test('a descriptor may carry its data, and more that has no meaning here', () => {
  const config = {
    mediaType: 'application/vnd.oci.empty.v1+json',
    digest: digest(1),
    size: 2,
    data: 'e30=',
    'x-y': [1],
  };
  expect(parse({ ...image, config, 'io.example': { Config: 1 } }).edges).toEqual([blob(1), blob(2), blob(3)]);
});

test('layers that must not be distributed, or that say where to get them, need not be here', () => {
  const layers = [
    descriptor(2, { mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip' }),
    descriptor(3, { mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }),
    descriptor(4, { urls: ['https://example.com/layer'] }),
    descriptor(5, { urls: [] }),
    descriptor(6, { urls: null }),
  ];
  expect(parse({ ...image, layers }).edges.slice(1)).toEqual([
    blob(2, false),
    blob(3, false),
    blob(4, false),
    blob(5),
    blob(6),
  ]);
});

test('a digest that is named twice is one edge, and has to be there if one of the two says so', () => {
  const layers = [
    descriptor(2, { urls: ['https://example.com/'] }),
    descriptor(3),
    descriptor(2),
    descriptor(1),
    descriptor(3),
  ];
  expect(parse({ ...image, layers }).edges).toEqual([blob(1), blob(2), blob(3)]);
});

test('a digest of sha512 is an edge and a subject like any other', () => {
  const long = digestOf(encode('long'), 'sha512');
  const parsed = parse({
    ...image,
    config: { ...imageConfig, digest: long },
    subject: descriptor(1, { digest: long }),
  });
  expect([parsed.edges[0]?.digest, parsed.subject]).toEqual([long, long]);
});

test("the media type is the Content-Type, else the document's, else the default", () => {
  const { mediaType, ...silent } = image;
  expect(parse(silent, 'application/vnd.example.v1+json').mediaType).toBe('application/vnd.example.v1+json');
  expect(parse({ ...silent, mediaType: 'application/vnd.example.v1+json' }).mediaType).toBe(
    'application/vnd.example.v1+json',
  );
  expect(parse(silent)).toMatchObject({ mediaType, declaresMediaType: false });
  expect(parse({ ...silent, mediaType: null })).toMatchObject({ mediaType, declaresMediaType: false });
});

test('a document of an unknown media type is kept, with what it names', () => {
  const mediaType = 'application/vnd.example.thing.v7+json';
  expect(parse({ mediaType, whatever: [1, { digest: 'x' }] }, mediaType)).toEqual({
    mediaType,
    artifactType: undefined,
    subject: undefined,
    annotations: undefined,
    edges: [],
    declaresMediaType: true,
  });
  expect(parse({ layers: [descriptor(1)] }, mediaType).edges).toEqual([blob(1)]);
});

test('annotations may have any keys, those that differ by case alone too', () => {
  const annotations = { Digest: 'a', digest: 'b', '': '', constructor: 'c' };
  expect(parse({ ...image, annotations }).annotations).toEqual(annotations);
  const own = parse(`{"mediaType":"text/x","annotations":{"__proto__":"p"}}`).annotations ?? {};
  expect(Object.entries(own)).toEqual([['__proto__', 'p']]);
});

test('a manifest may name ten thousand contents, and no more', () => {
  const layers = Array.from({ length: 10_000 }, (_, n) => ({
    digest: `sha256:${n.toString(16).padStart(64, '0')}`,
    size: n,
  }));
  expect(parse({ ...image, layers: layers.slice(1) }).edges).toHaveLength(10_000);
  expect(() => parse({ ...image, layers })).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }));
});
