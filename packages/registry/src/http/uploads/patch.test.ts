import { afterEach, expect, test } from 'vitest';
import { openTestRegistry, sha256, stream } from '../../../test/support/registry.ts';
import { content, openSession as open } from '../../../test/support/uploads.ts';

const opened = openTestRegistry();
afterEach(() => expect(opened.faults).toEqual([]));

const openSession = () => open(opened);

test('end-5 answers 202 with where the session is and how far', async () => {
  const location = await openSession();
  const answer = await opened.call('PATCH', location, { headers: { 'content-range': '0-4' }, body: 'hello' });
  expect(answer.status).toBe(202);
  expect(answer.headers).toMatchObject({ location, range: '0-4' });
});

test('end-5 without Content-Range appends a stream of unknown length, as docker sends it', async () => {
  const location = await openSession();
  const answer = await opened.call('PATCH', location, { body: stream('hel', 'lo') });
  expect(answer).toMatchObject({ status: 202, headers: { range: '0-4' } });
  const closed = await opened.call('PUT', `${location}?digest=${sha256('hello')}`);
  expect(closed.status).toBe(201);
});

test('end-5 out of order is 416 with the state of the session, which stays usable', async () => {
  const location = await openSession();
  await opened.call('PATCH', location, { headers: { 'content-range': '0-4' }, body: 'hello' });
  const refused = await opened.call('PATCH', location, { headers: { 'content-range': '7-8' }, body: '!!' });
  expect(refused.status).toBe(416);
  expect(refused.headers).toMatchObject({ location, range: '0-4' });
  expect(refused.codes()).toEqual(['BLOB_UPLOAD_INVALID']);
  const next = await opened.call('PATCH', location, { headers: { 'content-range': '5-5' }, body: '!' });
  expect(next).toMatchObject({ status: 202, headers: { range: '0-5' } });
});

test('end-5 out of order is 416 in an empty session, and for a chunk that was sent before', async () => {
  const location = await openSession();
  const tooFar = await opened.call('PATCH', location, { headers: { 'content-range': '1-5' }, body: 'hello' });
  expect(tooFar).toMatchObject({ status: 416, headers: { location, range: '0-0' } });
  const first = { headers: { 'content-range': '0-4' }, body: 'hello' };
  expect((await opened.call('PATCH', location, first)).status).toBe(202);
  expect(await opened.call('PATCH', location, first)).toMatchObject({ status: 416, headers: { range: '0-4' } });
});

test.each(['0-4', 'bytes 0-4/*', 'bytes 0-4/5', 'bytes=0-4', ' 0-4 '])(
  'end-5 with Content-Range: "%s" is 202',
  async (range) => {
    const location = await openSession();
    const answer = await opened.call('PATCH', location, { headers: { 'content-range': range }, body: 'hello' });
    expect(answer).toMatchObject({ status: 202, headers: { range: '0-4' } });
  },
);

test.each(['4-0', '0-', '-4', 'a-b', '0-4,5-9', '', '0-99999999999999999999'])(
  'end-5 with Content-Range: "%s" is 400, and the session stays as it was',
  async (range) => {
    const location = await openSession();
    const refused = await opened.call('PATCH', location, { headers: { 'content-range': range }, body: 'hello' });
    expect(refused.status).toBe(400);
    expect(refused.codes()).toEqual(['BLOB_UPLOAD_INVALID']);
    expect(await opened.call('GET', location)).toMatchObject({ headers: { range: '0-0' } });
  },
);

test.each([
  ['a shorter stream', { 'content-length': '9' }, 5],
  ['a longer stream', { 'content-length': '3' }, 5],
  ['a longer large stream', { 'content-length': '30000' }, 40_000],
  ['a range longer than the stream', { 'content-range': '5-11' }, 6],
  ['a range shorter than the stream', { 'content-range': '5-6' }, 5],
  ['a range that is not the length', { 'content-range': '5-9', 'content-length': '6' }, 6],
])('end-5 with %s than it says is 400, and the session stays as it was', async (_, headers, sizeBytes) => {
  const location = await openSession();
  await opened.call('PATCH', location, { body: 'hello' });
  const refused = await opened.call('PATCH', location, { headers, body: stream(content(sizeBytes)) });
  expect(refused.status).toBe(400);
  expect(refused.codes()).toEqual(['SIZE_INVALID']);
  expect(await opened.call('GET', location)).toMatchObject({ headers: { range: '0-4' } });
  expect((await opened.call('PUT', `${location}?digest=${sha256('hello')}`)).status).toBe(201);
});

test('end-5 without a byte is 202 and changes nothing', async () => {
  const location = await openSession();
  expect(await opened.call('PATCH', location, { body: '' })).toMatchObject({ status: 202, headers: { range: '0-0' } });
  await opened.call('PATCH', location, { body: 'hello' });
  expect(await opened.call('PATCH', location, { body: stream() })).toMatchObject({
    status: 202,
    headers: { range: '0-4' },
  });
});

test('end-5 answers 202 to each of many chunks, and the PUT 201 to the digest of all', async () => {
  const bytes = content(300_000);
  const location = await openSession();
  for (let start = 0; start < bytes.length; start += 70_001) {
    const chunk = bytes.subarray(start, start + 70_001);
    const end = start + chunk.length - 1;
    const answer = await opened.call('PATCH', location, {
      headers: { 'content-range': `${start}-${end}` },
      body: chunk,
    });
    expect(answer).toMatchObject({ status: 202, headers: { range: `0-${end}` } });
  }
  expect((await opened.call('PUT', `${location}?digest=${sha256(bytes)}`)).status).toBe(201);
  const pulled = await opened.call('GET', `/v2/acme/web/blobs/${sha256(bytes)}`);
  expect(Buffer.compare(pulled.bytes, bytes)).toBe(0);
});
