import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTestRegistry, sha256, sha512, stream, type TestRegistry } from '../../../test/support/registry.ts';
import { content, listKeys, openSession } from '../../../test/support/uploads.ts';
import { memory } from '../../storage/memory.ts';

// One for each test: content that is there already would hide bytes that were stored wrongly.
let opened: TestRegistry;
beforeEach(() => {
  opened = openTestRegistry();
});
afterEach(() => expect(opened.faults).toEqual([]));

async function pull(digest: string): Promise<Uint8Array> {
  return (await opened.call('GET', `/v2/acme/web/blobs/${digest}`)).bytes;
}

async function rangeOf(location: string): Promise<string | undefined> {
  return (await opened.call('GET', location)).headers['range'];
}

// 16 KiB is the most that the metadata store takes; what is larger lies in the blob store.
const sizes = [0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 3 * 1024 * 1024];

describe('end-6 answers 201 and makes the blob', () => {
  test.each(sizes)('of %i bytes in its body', async (sizeBytes) => {
    const bytes = content(sizeBytes);
    const digest = sha256(bytes);
    const location = await openSession(opened);
    const answer = await opened.call('PUT', `${location}?digest=${digest}`, { body: bytes });
    expect(answer).toMatchObject({ status: 201, text: '' });
    expect(answer.headers).toMatchObject({
      location: `/v2/acme/web/blobs/${digest}`,
      'docker-content-digest': digest,
      'content-length': '0',
    });
    expect(Buffer.compare(await pull(digest), bytes)).toBe(0);
  });

  test.each(sizes)('of %i bytes that came by PATCH, without a body', async (sizeBytes) => {
    const bytes = content(sizeBytes);
    const digest = sha256(bytes);
    const location = await openSession(opened);
    await opened.call('PATCH', location, { body: stream(bytes) });
    expect((await opened.call('PUT', `${location}?digest=${digest}`)).status).toBe(201);
    expect(Buffer.compare(await pull(digest), bytes)).toBe(0);
  });

  test.each(sizes)('of %i bytes and the last ten in its body', async (sizeBytes) => {
    const bytes = content(sizeBytes + 10);
    const digest = sha256(bytes);
    const location = await openSession(opened);
    await opened.call('PATCH', location, { body: bytes.subarray(0, sizeBytes) });
    const headers = { 'content-range': `${sizeBytes}-${sizeBytes + 9}` };
    const last = bytes.subarray(sizeBytes);
    expect((await opened.call('PUT', `${location}?digest=${digest}`, { headers, body: last })).status).toBe(201);
    expect(Buffer.compare(await pull(digest), bytes)).toBe(0);
  });

  test.each([1, 40_000])('of %i bytes that come as a stream of unknown length', async (sizeBytes) => {
    const bytes = content(sizeBytes + 3);
    const location = await openSession(opened);
    const body = stream(bytes.subarray(0, 1), new Uint8Array(), bytes.subarray(1));
    expect((await opened.call('PUT', `${location}?digest=${sha256(bytes)}`, { body })).status).toBe(201);
    expect(Buffer.compare(await pull(sha256(bytes)), bytes)).toBe(0);
  });

  test.each([0, 100, 40_000])(
    'of %i bytes under another algorithm than the session was begun with',
    async (sizeBytes) => {
      const bytes = content(sizeBytes);
      for (const [query, digest] of [
        ['', sha512(bytes)],
        ['?digest-algorithm=sha512', sha256(bytes)],
      ] as const) {
        const location = await openSession(opened, 'acme/web', query);
        await opened.call('PATCH', location, { body: bytes });
        expect((await opened.call('PUT', `${location}?digest=${digest}`)).status).toBe(201);
        expect(Buffer.compare(await pull(digest), bytes)).toBe(0);
      }
    },
  );
});

test('end-6 a second time is 404', async () => {
  const location = await openSession(opened);
  const target = `${location}?digest=${sha256('hello')}`;
  expect((await opened.call('PUT', target, { body: 'hello' })).status).toBe(201);
  const second = await opened.call('PUT', target, { body: 'hello' });
  expect(second.status).toBe(404);
  expect(second.codes()).toEqual(['BLOB_UPLOAD_UNKNOWN']);
});

test('end-6 of the same large blob twice is 201 twice, and its bytes are stored once', async () => {
  const store = memory();
  const { call } = openTestRegistry({ blobs: store });
  const bytes = content(50_000);
  for (const name of ['acme/web', 'acme/web', 'acme/other']) {
    const location = await openSession({ call }, name);
    expect((await call('PUT', `${location}?digest=${sha256(bytes)}`, { body: bytes })).status).toBe(201);
  }
  expect(await listKeys(store)).toHaveLength(1);
});

test('end-6 of a small blob is 201 and leaves nothing in the blob store, however it came', async () => {
  const store = memory();
  const opened = openTestRegistry({ blobs: store });
  for (const patched of [0, 5000, 16 * 1024]) {
    const bytes = content(16 * 1024);
    const location = await openSession(opened);
    if (patched > 0) await opened.call('PATCH', location, { body: bytes.subarray(0, patched) });
    const body = bytes.subarray(patched);
    expect((await opened.call('PUT', `${location}?digest=${sha256(bytes)}`, { body })).status).toBe(201);
  }
  expect(await listKeys(store)).toEqual([]);
});

describe.each([
  ['an empty session', 0, 100],
  ['an empty session', 0, 40_000],
  ['a session of 100 bytes', 100, 10],
  ['a session of 40000 bytes', 40_000, 10],
])('refused, %s', (_, patchedBytes, lastBytes) => {
  const bytes = content(patchedBytes + lastBytes);
  const last = bytes.subarray(patchedBytes);
  const end = Math.max(patchedBytes - 1, 0);

  async function begin(): Promise<string> {
    const location = await openSession(opened);
    if (patchedBytes > 0) await opened.call('PATCH', location, { body: bytes.subarray(0, patchedBytes) });
    return location;
  }

  async function staysUsable(location: string): Promise<void> {
    expect(await rangeOf(location)).toBe(`0-${end}`);
    expect((await opened.call('PUT', `${location}?digest=${sha256(bytes)}`, { body: last })).status).toBe(201);
    expect(Buffer.compare(await pull(sha256(bytes)), bytes)).toBe(0);
  }

  test(`end-6 with a wrong digest and ${lastBytes} bytes is 400 that tells the right one, and the session stays as it was`, async () => {
    const location = await begin();
    const refused = await opened.call('PUT', `${location}?digest=${sha256('other')}`, { body: last });
    expect(refused.status).toBe(400);
    expect(refused.json().errors).toMatchObject([{ code: 'DIGEST_INVALID', detail: { digest: sha256(bytes) } }]);
    await staysUsable(location);
  });

  test.each(['', '?digest=', '?digest=sha256:abc', `?digest=md5:${'0'.repeat(32)}`])(
    `end-6 with "%s" for a digest and ${lastBytes} bytes is 400, and the session stays as it was`,
    async (query) => {
      const location = await begin();
      const refused = await opened.call('PUT', `${location}${query}`, { body: last });
      expect(refused.status).toBe(400);
      expect(refused.codes()).toEqual(['DIGEST_INVALID']);
      await staysUsable(location);
    },
  );

  test.each([
    ['fewer', lastBytes + 1],
    ['more', lastBytes - 1],
  ])(`end-6 with %s bytes than were announced is 400, and the session stays as it was`, async (__, announced) => {
    const location = await begin();
    const headers = { 'content-length': String(announced) };
    const target = `${location}?digest=${sha256(bytes)}`;
    const refused = await opened.call('PUT', target, { headers, body: stream(last) });
    expect(refused.status).toBe(400);
    expect(refused.codes()).toEqual(['SIZE_INVALID']);
    await staysUsable(location);
  });

  test(`end-6 out of order is 416 with where the session is, which stays as it was`, async () => {
    const location = await begin();
    for (const start of [patchedBytes + 1, patchedBytes + 1000]) {
      const headers = { 'content-range': `${start}-${start + lastBytes - 1}` };
      const refused = await opened.call('PUT', `${location}?digest=${sha256(bytes)}`, { headers, body: last });
      expect(refused.status).toBe(416);
      expect(refused.headers).toMatchObject({ location, range: `0-${end}` });
      expect(refused.codes()).toEqual(['BLOB_UPLOAD_INVALID']);
    }
    await staysUsable(location);
  });

  test(`end-6 whose range has another length than its body is 400, and the session stays`, async () => {
    const location = await begin();
    const headers = { 'content-range': `${patchedBytes}-${patchedBytes + lastBytes}` };
    const target = `${location}?digest=${sha256(bytes)}`;
    for (const body of [last, stream(last)]) {
      expect((await opened.call('PUT', target, { headers, body })).codes()).toEqual(['SIZE_INVALID']);
    }
    await staysUsable(location);
  });
});

test('end-6 with a wrong digest and no body is 400, and the session stays as it was', async () => {
  const bytes = content(40_000);
  const location = await openSession(opened);
  await opened.call('PATCH', location, { body: bytes });
  for (const digest of [sha256('other'), sha512('other')]) {
    expect((await opened.call('PUT', `${location}?digest=${digest}`)).codes()).toEqual(['DIGEST_INVALID']);
    expect(await rangeOf(location)).toBe('0-39999');
  }
  expect((await opened.call('PUT', `${location}?digest=${sha256(bytes)}`)).status).toBe(201);
  expect(Buffer.compare(await pull(sha256(bytes)), bytes)).toBe(0);
});

test('end-6 announced as small and sent without an end is refused, and the session stays as it was', async () => {
  const location = await openSession(opened);
  const headers = { 'content-length': '100' };
  const body = stream(content(100), content(20_000), content(20_000));
  const refused = await opened.call('PUT', `${location}?digest=${sha256('x')}`, { headers, body });
  expect(refused.codes()).toEqual(['SIZE_INVALID']);
  expect(await rangeOf(location)).toBe('0-0');
  expect((await opened.call('PUT', `${location}?digest=${sha256('x')}`, { body: 'x' })).status).toBe(201);
});
