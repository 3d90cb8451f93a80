import { afterEach, describe, expect, test } from 'vitest';
import { openTestRegistry, sha256, sha512, stream } from '../../../test/support/registry.ts';
import { content, listKeys, openSession } from '../../../test/support/uploads.ts';
import { memory } from '../../storage/memory.ts';

const blobs = memory();
const opened = openTestRegistry({ blobs });
afterEach(() => expect(opened.faults).toEqual([]));

const uploads = '/v2/acme/web/blobs/uploads/';
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('end-4a', () => {
  test.each([uploads, uploads.slice(0, -1)])('POST %s answers 202 with where the session is', async (target) => {
    const answer = await opened.call('POST', target);
    const session = answer.headers['docker-upload-uuid'];
    expect(answer).toMatchObject({ status: 202, text: '' });
    expect(session).toMatch(uuid);
    expect(answer.headers).toMatchObject({ location: `${uploads}${session}`, range: '0-0', 'content-length': '0' });
  });

  test('answers 202 with another session each time', async () => {
    const sessions = await Promise.all(Array.from({ length: 20 }, () => openSession(opened)));
    expect(new Set(sessions).size).toBe(20);
  });

  test('answers 202 to each of the requests that make a repository at once, as docker sends them', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => opened.call('POST', '/v2/acme/fresh/blobs/uploads/')),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(202));
  });

  test.each([
    ['publicUrl', { path: '/v2', publicUrl: 'https://hub.example/' }, 'https://hub.example/v2'],
    ['path', { path: '/hub/v2' }, '/hub/v2'],
    ['both', { path: '/hub/v2', publicUrl: 'https://hub.example' }, 'https://hub.example/hub/v2'],
  ])('answers 202, and the blob 201, with a Location under %s', async (_, options, base) => {
    const { call } = openTestRegistry(options);
    const { path } = options;
    const begun = await call('POST', `${path}/acme/web/blobs/uploads/`);
    const session = begun.headers['docker-upload-uuid'];
    expect(begun.headers['location']).toBe(`${base}/acme/web/blobs/uploads/${session}`);
    const digest = sha256('hello');
    const closed = await call('PUT', `${path}/acme/web/blobs/uploads/${session}?digest=${digest}`, { body: 'hello' });
    expect(closed).toMatchObject({ status: 201, headers: { location: `${base}/acme/web/blobs/${digest}` } });
  });

  test('is 403 to whom authorize refuses, before the body is asked for, and makes nothing', async () => {
    const asked: unknown[] = [];
    const closed = openTestRegistry({
      access: {
        authorize: (question) => {
          asked.push(question);
          return question.action === 'pull';
        },
      },
    });
    const untouchable = stream(new Error('the body was asked for'));
    const refused = await closed.call('POST', `${uploads}?digest=${sha256('x')}`, { body: untouchable });
    expect(refused.status).toBe(403);
    expect(refused.codes()).toEqual(['DENIED']);
    // A refusal names owners to who may pull; that is asked even where nothing is there, so that both look the same.
    expect(asked).toEqual(
      ['push', 'pull'].map((action) => ({ identity: undefined, action, name: 'acme/web', repository: undefined })),
    );
    expect((await closed.call('GET', '/v2/acme/web/tags/list')).codes()).toEqual(['NAME_UNKNOWN']);
  });
});

describe('end-4b', () => {
  test.each([0, 1, 16 * 1024, 16 * 1024 + 1, 3 * 1024 * 1024])(
    'answers 201 to a blob of %i bytes',
    async (sizeBytes) => {
      const bytes = content(sizeBytes);
      const digest = sha256(bytes);
      const answer = await opened.call('POST', `${uploads}?digest=${digest}`, { body: bytes });
      const location = `/v2/acme/web/blobs/${digest}`;
      expect(answer).toMatchObject({ status: 201, headers: { location, 'docker-content-digest': digest } });
      const pulled = await opened.call('GET', location);
      expect(Buffer.compare(pulled.bytes, bytes)).toBe(0);
    },
  );

  test.each([100, 40_000])('answers 201 to %i bytes of sha512', async (sizeBytes) => {
    const bytes = content(sizeBytes);
    const digest = sha512(bytes);
    expect((await opened.call('POST', `${uploads}?digest=${digest}`, { body: bytes })).status).toBe(201);
    expect((await opened.call('GET', `/v2/acme/web/blobs/${digest}`)).bytes.length).toBe(sizeBytes);
  });

  test.each([100, 40_000])('answers 201 to a stream of unknown length with %i bytes', async (sizeBytes) => {
    const bytes = content(sizeBytes + 1);
    const body = stream(bytes.subarray(0, 60), bytes.subarray(60));
    expect((await opened.call('POST', `${uploads}?digest=${sha256(bytes)}`, { body })).status).toBe(201);
  });

  test.each([
    ['another digest', 100, { digest: sha256('other') }],
    ['another digest', 40_000, { digest: sha256('other') }],
    ['a body shorter than announced', 100, { announced: '101' }],
    ['a body shorter than announced', 40_000, { announced: '40001' }],
    ['a body longer than announced', 100, { announced: '99' }],
    ['a body longer than announced', 40_000, { announced: '39999' }],
  ])('with %s is 400 for %i bytes, and nothing of it stays', async (_, sizeBytes, lie) => {
    const before = await listKeys(blobs);
    const bytes = content(sizeBytes);
    const { digest, announced } = { digest: sha256(bytes), announced: String(sizeBytes), ...lie };
    const headers = { 'content-length': announced };
    const refused = await opened.call('POST', `${uploads}?digest=${digest}`, { headers, body: stream(bytes) });
    expect(refused.status).toBe(400);
    expect(refused.codes()).toEqual(['digest' in lie ? 'DIGEST_INVALID' : 'SIZE_INVALID']);
    expect(await listKeys(blobs)).toEqual(before);
  });

  test.each(['sha256:abc', `md5:${'0'.repeat(32)}`, '', 'sha256'])('with ?digest=%s is 400', async (digest) => {
    const refused = await opened.call('POST', `${uploads}?digest=${digest}`, { body: 'hello' });
    expect(refused.status).toBe(400);
    expect(refused.codes()).toEqual(['DIGEST_INVALID']);
  });
});

describe('end-4c', () => {
  test.each([100, 40_000])('answers 202, and the PUT of sha512 201 after a PATCH of %i bytes', async (sizeBytes) => {
    const bytes = content(sizeBytes);
    const location = await openSession(opened, 'acme/web', '?digest-algorithm=sha512');
    expect((await opened.call('PATCH', location, { body: bytes })).status).toBe(202);
    const digest = sha512(bytes);
    const closed = await opened.call('PUT', `${location}?digest=${digest}`);
    expect(closed).toMatchObject({ status: 201, headers: { 'docker-content-digest': digest } });
    expect((await opened.call('GET', `/v2/acme/web/blobs/${digest}`)).bytes.length).toBe(sizeBytes);
  });

  test.each(['md5', '', 'SHA512', 'constructor'])('is 400 for digest-algorithm=%s', async (algorithm) => {
    const refused = await opened.call('POST', `${uploads}?digest-algorithm=${algorithm}`);
    expect(refused.status).toBe(400);
    expect(refused.codes()).toEqual(['DIGEST_INVALID']);
  });
});

describe('with uploads.contentTypes', () => {
  const strict = openTestRegistry({ uploads: { contentTypes: ['application/octet-stream'] } });

  test.each([{}, { 'content-type': 'application/octet-stream' }, { 'content-type': 'Application/Octet-Stream; a=b' }])(
    'end-4b, end-5 and end-6 accept %o',
    async (headers) => {
      const digest = sha256('hello');
      expect((await strict.call('POST', `${uploads}?digest=${digest}`, { headers, body: 'hello' })).status).toBe(201);
      const location = await openSession(strict);
      expect((await strict.call('PATCH', location, { headers, body: 'hello' })).status).toBe(202);
      expect((await strict.call('PUT', `${location}?digest=${digest}`, { headers })).status).toBe(201);
    },
  );

  test('end-4b, end-5 and end-6 refuse another type with 415, and the session stays as it was', async () => {
    const headers = { 'content-type': 'text/plain' };
    const digest = sha256('hello');
    const location = await openSession(strict);
    for (const [method, target] of [
      ['POST', `${uploads}?digest=${sha256('never there')}`],
      ['PATCH', location],
      ['PUT', `${location}?digest=${digest}`],
    ] as const) {
      const refused = await strict.call(method, target, { headers, body: 'hello' });
      expect(refused.status).toBe(415);
      expect(refused.codes()).toEqual(['UNSUPPORTED']);
    }
    expect((await strict.call('PUT', `${location}?digest=${digest}`, { body: 'hello' })).status).toBe(201);
  });

  test('end-5 takes any type by default', async () => {
    const location = await openSession(opened);
    const headers = { 'content-type': 'text/plain' };
    expect((await opened.call('PATCH', location, { headers, body: 'hello' })).status).toBe(202);
  });
});
