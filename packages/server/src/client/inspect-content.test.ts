import { startTestRegistry } from '@moorage/registry/testing';
import { expect, onTestFinished, test } from 'vitest';
import { connect } from './connect.ts';
import { inspectContent, inspectionJson, inspectionLines } from './inspect-content.ts';
import { parseReference } from './reference.ts';

const imageType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';

/** A registry with an image, an index of it, and a list of contents that refers to the index. */
async function start() {
  const { registry, host, pushImage, close } = await startTestRegistry();
  onTestFinished(close);
  const image = (await pushImage('acme/web:image')).digest;
  const size = (await registry.getManifest('acme/web', image)).bytes.length;
  const child = {
    mediaType: imageType,
    digest: image,
    size,
    platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
  };
  const push = async (wanted: string, document: object) => {
    const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, ...document }));
    return { digest: (await registry.pushManifest('acme/web', wanted, { bytes })).digest, size: bytes.length };
  };
  const index = await push('1', { mediaType: indexType, manifests: [child] });
  const subject = { mediaType: indexType, ...index };
  const artifactType = 'application/x-\u001b[2Jlist';
  const list = await push('list', { mediaType: indexType, artifactType: 'application/x-list', subject, manifests: [] });
  const client = connect({ host, options: {} });
  onTestFinished(client.close);
  const inspect = (tag: string) => inspectContent(client, parseReference(`${host}/acme/web:${tag}`));
  return { host, image, index, list, inspect, artifactType };
}

test('an index is shown with its platforms and what refers to it', async () => {
  const { host, image, index, list, inspect } = await start();
  const inspection = await inspect('1');
  const reference = `${host}/acme/web:1@${index.digest}`;
  expect(inspectionJson(inspection)).toMatchObject({
    reference,
    digest: index.digest,
    platforms: [{ platform: 'linux/arm64/v8', digest: image }],
    referrers: [{ digest: list.digest, artifactType: 'application/x-list' }],
    manifest: { schemaVersion: 2 },
  });
  expect(inspectionLines(inspection)).toEqual([
    `reference   ${reference}`,
    `digest      ${index.digest}`,
    `media type  ${indexType}`,
    '',
    'children:',
    `  linux/arm64/v8  ${image}  ${imageType}`,
    '',
    'referrers:',
    `  ${list.digest}  application/x-list`,
  ]);
});

test('an image is shown with its content and all of its size', async () => {
  const { inspect } = await start();
  const inspection = await inspect('image');
  const lines = inspectionLines(inspection);
  expect(lines.find((line) => line.startsWith('size'))).toMatch(/^size {8}[\d.]+ KiB$/);
  expect(lines.slice(-2)).toEqual([
    expect.stringMatching(/^ {2}sha256:\w{12} {2}\d+ B +application\/vnd\.oci\.image\.config\.v1\+json$/),
    expect.stringMatching(/^ {2}sha256:\w{12} {2}[\d.]+ KiB +application\/vnd\.oci\.image\.layer\.v1\.tar$/),
  ]);
});

test('what could move the cursor of a terminal is not shown', async () => {
  const { inspect, artifactType } = await start();
  const inspection = await inspect('1');
  const evil = { ...inspection, referrers: inspection.referrers.map((one) => ({ ...one, artifactType })) };
  expect(inspectionLines(evil).at(-1)).toMatch(/application\/x-\?\[2Jlist$/);
});
