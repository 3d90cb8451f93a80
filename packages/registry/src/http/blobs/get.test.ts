import { afterEach, describe, expect, test } from 'vitest';
import { openTestRegistry, sha256, sha512 } from '../../../test/support/registry.ts';
import { content } from '../../../test/support/uploads.ts';

const opened = openTestRegistry();
afterEach(() => expect(opened.faults).toEqual([]));

// A small blob lies in the metadata store, a large one in the blob store: both answer alike.
describe.each([
  ['small', 1000],
  ['large', 40_000],
])('a %s blob', (_, sizeBytes) => {
  const bytes = content(sizeBytes);
  const digest = sha256(bytes);
  const target = `/v2/acme/web/blobs/${digest}`;

  async function get(headers: Readonly<Record<string, string>>, method = 'GET') {
    await opened.pushBlob('acme/web', bytes);
    return opened.call(method, target, { headers });
  }

  test('end-2 GET answers 200 with every byte and what a client needs to know of it', async () => {
    const answer = await get({});
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-length': String(sizeBytes),
      'content-type': 'application/octet-stream',
      'docker-content-digest': digest,
      'accept-ranges': 'bytes',
      etag: `"${digest}"`,
      'cache-control': 'no-transform',
    });
    expect(Buffer.compare(answer.bytes, bytes)).toBe(0);
  });

  test('end-2 HEAD answers 200 with the headers of GET and no body', async () => {
    const whole = await get({});
    const answer = await get({}, 'HEAD');
    expect(answer).toMatchObject({ status: 200, text: '' });
    expect({ ...answer.headers, 'x-request-id': '' }).toEqual({ ...whole.headers, 'x-request-id': '' });
  });

  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=10-19', 10, 19],
    ['bytes=500-', 500, sizeBytes - 1],
    ['bytes=-500', sizeBytes - 500, sizeBytes - 1],
    ['bytes=-999999', 0, sizeBytes - 1],
    ['bytes=900-999999', 900, sizeBytes - 1],
    ['Bytes=1-2', 1, 2],
  ])('end-2 with Range: %s answers 206 with that part', async (range, start, end) => {
    const answer = await get({ range });
    expect(answer.status).toBe(206);
    expect(answer.headers).toMatchObject({
      'content-range': `bytes ${start}-${end}/${sizeBytes}`,
      'content-length': String(end - start + 1),
      'docker-content-digest': digest,
    });
    expect(Buffer.compare(answer.bytes, bytes.subarray(start, end + 1))).toBe(0);
  });

  test.each([`bytes=${sizeBytes}-`, `bytes=${sizeBytes + 5}-${sizeBytes + 9}`, 'bytes=-0', 'bytes=500-0'])(
    'end-2 with Range: %s answers 416 with the size',
    async (range) => {
      const answer = await get({ range });
      expect(answer.status).toBe(416);
      expect(answer.headers['content-range']).toBe(`bytes */${sizeBytes}`);
      expect(answer.codes()).toEqual(['SIZE_INVALID']);
    },
  );

  test.each(['bytes=0-1,5-6', 'items=0-1', 'bytes=a-b', 'bytes=-', 'nonsense'])(
    'end-2 with Range: %s answers 200 with the whole blob',
    async (range) => {
      expect(await get({ range })).toMatchObject({ status: 200, bytes: { length: sizeBytes } });
    },
  );

  test('end-2 HEAD answers 200 whatever the Range, which only GET has', async () => {
    const answer = await get({ range: 'bytes=0-9' }, 'HEAD');
    expect(answer).toMatchObject({ status: 200, headers: { 'content-length': String(sizeBytes) } });
  });

  test.each([
    [`"${digest}"`, 206],
    [`"${sha256('other')}"`, 200],
    [`W/"${digest}"`, 200],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 200],
  ])('end-2 with a Range and If-Range: %s answers %i', async (ifRange, status) => {
    expect((await get({ range: 'bytes=0-9', 'if-range': ifRange })).status).toBe(status);
  });

  test.each([
    [`"${digest}"`, 304],
    [`W/"${digest}"`, 304],
    [`"${sha256('other')}", "${digest}"`, 304],
    ['*', 304],
    [`"${sha256('other')}"`, 200],
  ])('end-2 with If-None-Match: %s answers %i', async (ifNoneMatch, status) => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await get({ 'if-none-match': ifNoneMatch }, method);
      expect(answer.status).toBe(status);
      expect(answer.headers['etag']).toBe(`"${digest}"`);
      if (status === 304) expect(answer.bytes.length).toBe(0);
    }
  });

  test('end-2 answers 404 through a repository that does not hold the blob, and 200 once it was pushed there', async () => {
    const name = `other/holds-${sizeBytes}`;
    await get({});
    expect((await opened.call('GET', `/v2/${name}/blobs/${digest}`)).codes()).toEqual(['NAME_UNKNOWN']);
    await opened.pushBlob(name, 'something else');
    for (const method of ['GET', 'HEAD']) {
      expect((await opened.call(method, `/v2/${name}/blobs/${digest}`)).status).toBe(404);
    }
    expect((await opened.call('GET', `/v2/${name}/blobs/${digest}`)).codes()).toEqual(['BLOB_UNKNOWN']);
    await opened.pushBlob(name, bytes);
    expect((await opened.call('GET', `/v2/${name}/blobs/${digest}`)).status).toBe(200);
  });
});

test('end-2 of an empty blob answers 200 with nothing, and 416 to any range', async () => {
  const digest = await opened.pushBlob('acme/web', '');
  const target = `/v2/acme/web/blobs/${digest}`;
  expect(await opened.call('GET', target)).toMatchObject({ status: 200, text: '', headers: { 'content-length': '0' } });
  const ranged = await opened.call('GET', target, { headers: { range: 'bytes=0-' } });
  expect(ranged).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */0' } });
});

test('end-2 finds a blob under the digest it was pushed with alone', async () => {
  await opened.pushBlob('acme/web', 'one digest');
  const answer = await opened.call('GET', `/v2/acme/web/blobs/${sha512('one digest')}`);
  expect(answer).toMatchObject({ status: 404 });
  expect(answer.codes()).toEqual(['BLOB_UNKNOWN']);
});

test('end-2 takes a digest whose colon is escaped', async () => {
  const digest = await opened.pushBlob('acme/web', 'escaped');
  const answer = await opened.call('GET', `/v2/acme/web/blobs/${digest.replace(':', '%3A')}?ns=hub.example`);
  expect(answer).toMatchObject({ status: 200, text: 'escaped' });
});

test.each([
  'sha256:abc',
  'sha256:',
  `md5:${'0'.repeat(32)}`,
  'latest',
  `SHA256:${'0'.repeat(64)}`,
  `sha256:${'Z'.repeat(64)}`,
])('end-2 of %s, which is no digest, is 400', async (text) => {
  const answer = await opened.call('GET', `/v2/acme/web/blobs/${text}`);
  expect(answer.status).toBe(400);
  expect(answer.codes()).toEqual(['DIGEST_INVALID']);
});

test('end-2 answers 404 to whom authorize refuses, as if there were no such repository', async () => {
  const closed = openTestRegistry({ access: { authorize: ({ action }) => action === 'push' } });
  const digest = await closed.pushBlob('acme/secret', 'secret');
  const refused = await closed.call('GET', `/v2/acme/secret/blobs/${digest}`);
  const unknown = await closed.call('GET', `/v2/acme/nothing/blobs/${digest}`);
  expect(refused.status).toBe(404);
  expect(refused.text).toBe(unknown.text);
});
