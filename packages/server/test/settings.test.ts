import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { startServer } from './run-moorage.ts';

// The test starts the command, perhaps on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000 });

const indexType = 'application/vnd.oci.image.index.v1+json';
const absent = { mediaType: indexType, digest: `sha256:${'0'.repeat(64)}`, size: 2 };

test('each setting reaches the part that obeys it', async () => {
  const { url } = await startServer([
    ...['--manifests-sparse', '--manifests-max-bytes', '1KiB', '--manifests-default-media-type', indexType],
    ...['--deletes-manifests=false', '--deletes-blobs', 'false', '--uploads-content-types', 'application/x-tar'],
    ...['--public-url', 'https://hub.example.com', '--limits-max-header-bytes', '8KiB'],
    ...['--limits-idle-timeout-seconds', '1'],
  ]);
  const call = (method: string, path: string, init: RequestInit = {}) => fetch(url + path, { method, ...init });
  const bytes = (text: string) => new TextEncoder().encode(text); // fetch gives bytes no Content-Type

  const sparse = await call('PUT', '/v2/a/manifests/1', {
    body: bytes(JSON.stringify({ schemaVersion: 2, manifests: [absent] })),
  });
  expect([sparse.status, sparse.headers.get('location')]).toEqual([
    201,
    expect.stringMatching(/^https:\/\/hub\.example\.com\/v2\/a\/manifests\//),
  ]);
  const pulled = await call('GET', '/v2/a/manifests/1', { headers: { Accept: indexType } });
  expect(pulled.headers.get('content-type')).toBe(indexType);
  expect((await call('PUT', '/v2/a/manifests/2', { body: bytes(' '.repeat(1025)) })).status).toBe(413);
  expect((await call('DELETE', '/v2/a/manifests/1')).status).toBe(405);
  expect((await call('DELETE', `/v2/a/blobs/${absent.digest}`)).status).toBe(405);
  const wrongType = { headers: { 'Content-Type': 'text/plain' }, body: 'x' };
  expect((await call('POST', `/v2/a/blobs/uploads/?digest=${absent.digest}`, wrongType)).status).toBe(415);
  expect((await call('GET', '/healthz', { headers: { 'X-Long': 'x'.repeat(6000) } })).status).toBe(200);
  expect((await call('GET', '/healthz', { headers: { 'X-Long': 'x'.repeat(9000) } })).status).toBe(431);

  const silent = connect(Number(new URL(url).port), '127.0.0.1');
  silent.write('POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nx');
  await once(silent.resume(), 'close');
});
