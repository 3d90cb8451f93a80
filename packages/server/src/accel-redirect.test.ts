import type { IncomingMessage } from 'node:http';
import type { RegistryRequest, RegistryResponse } from '@moorage/registry';
import { expect, test } from 'vitest';
import { createProxyCheck, redirectToFiles } from './accel-redirect.ts';

const key = '0123456789abcdef0123456789abcdef';
const directory = '/data/blobs';
const headers = { 'Content-Length': '10', ETag: '"sha256:a"', 'X-Request-Id': 'r' };

function fileAnswer(path: string, status = 200): RegistryResponse {
  const range = { 'Accept-Ranges': 'bytes', ...(status === 206 ? { 'Content-Range': 'bytes 5-14/100' } : {}) };
  const body = { kind: 'file', file: { path, offsetBytes: 5, lengthBytes: 10 } } as const;
  return { status, headers: { ...headers, ...range }, body };
}

function ask(answer: RegistryResponse, asked: RegistryRequest['headers'] = {}): Promise<RegistryResponse> {
  const registry = redirectToFiles(
    { owns: () => true, handle: async () => answer },
    { location: '/internal/blobs/', directory },
  );
  const { signal } = new AbortController();
  const body = (async function* () {
    yield new Uint8Array();
  })();
  return registry.handle({ method: 'GET', target: '/v2/', headers: asked, body, signal });
}

test.each([
  [200, {}],
  [206, { range: 'bytes=5-14' }],
])('end-2 of a file with %i names the file in the place of its bytes, for the whole of it', async (status, asked) => {
  expect(await ask(fileAnswer(`${directory}/blobs/01/${key}`, status), asked)).toEqual({
    status: 200,
    headers: { ...headers, 'Content-Length': '0', 'X-Accel-Redirect': `/internal/blobs/blobs/01/${key}` },
    body: { kind: 'empty' },
  });
});

test.each([
  ['a malformed range', 200, { range: 'bytes=a-b' }],
  ['an If-Range of other content', 200, { range: 'bytes=0-1', 'if-range': '"other"' }],
  ['If-Match', 200, { 'if-match': '"sha256:a"' }],
  ['If-Unmodified-Since', 206, { range: 'bytes=5-14', 'if-unmodified-since': 'Wed, 21 Oct 2015 07:28:00 GMT' }],
])('end-2 with %s, which nginx reads otherwise, passes as it is', async (_, status, asked) => {
  const answer = fileAnswer(`${directory}/blobs/01/${key}`, status);
  expect(await ask(answer, asked)).toBe(answer);
});

test.each([
  `/data/${key}`,
  `/data/blobs-of-another/01/${key}`,
  `${directory}/../accounts.db`,
  `${directory}/blobs/%2e%2e/${key}`,
  `${directory}/a b`,
  directory,
])('%s, which lies elsewhere or would be read otherwise by nginx, passes as it is', async (path) => {
  const answer = fileAnswer(path);
  expect(await ask(answer)).toBe(answer);
});

test.each<RegistryResponse['body']>([{ kind: 'empty' }, { kind: 'bytes', bytes: new Uint8Array(3) }])(
  'a body that is $kind passes as it is',
  async (body) => {
    const answer = { status: 200, headers, body };
    expect(await ask(answer)).toBe(answer);
  },
);

test.each([
  ['127.0.0.1', true],
  ['::ffff:10.1.2.3', true],
  ['11.1.2.3', false],
  ['2001:db8::7', true],
  ['::1', false],
  [undefined, false],
])('a request from %s comes through a proxy: %s', (remoteAddress, expected) => {
  const isFromProxy = createProxyCheck(['127.0.0.1', '10.0.0.0/8', '2001:db8::/32']);
  expect(isFromProxy({ socket: { remoteAddress } } as IncomingMessage)).toBe(expected);
});
