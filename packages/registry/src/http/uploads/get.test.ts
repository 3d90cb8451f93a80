import { expect, test } from 'vitest';
import { openTestRegistry } from '../../../test/support/registry.ts';
import { openSession } from '../../../test/support/uploads.ts';

const opened = openTestRegistry();

test('end-13 of an empty session is 204 with Range 0-0', async () => {
  const location = await openSession(opened);
  const answer = await opened.call('GET', location);
  const session = location.split('/').at(-1);
  expect(answer).toMatchObject({ status: 204, text: '' });
  expect(answer.headers).toMatchObject({ location, range: '0-0', 'docker-upload-uuid': session });
  expect(answer.headers['content-length']).toBeUndefined();
});

test.each(['GET', 'HEAD'])('end-13 %s is 204 with how far the session is', async (method) => {
  const location = await openSession(opened);
  for (const [chunk, range] of [
    ['h', '0-0'],
    ['ello', '0-4'],
    [', world', '0-11'],
  ] as const) {
    await opened.call('PATCH', location, { body: chunk });
    expect(await opened.call(method, location)).toMatchObject({ status: 204, headers: { location, range } });
  }
});

test.each(['GET', 'PATCH', 'PUT', 'DELETE'])(
  'end-13, end-5, end-6 and end-14 are 404 for %s through another repository, and the session stays',
  async (method) => {
    const location = await openSession(opened, 'acme/web');
    await opened.pushBlob('acme/other', 'something');
    for (const name of ['acme/other', 'acme/nothing', 'acme']) {
      const elsewhere = location.replace('/v2/acme/web/', `/v2/${name}/`);
      const query = method === 'PUT' ? `?digest=sha256:${'0'.repeat(64)}` : '';
      const refused = await opened.call(method, `${elsewhere}${query}`, method === 'GET' ? {} : { body: 'stolen' });
      expect(refused.status).toBe(404);
      expect(refused.codes()).toEqual(['BLOB_UPLOAD_UNKNOWN']);
    }
    expect(await opened.call('GET', location)).toMatchObject({ status: 204, headers: { range: '0-0' } });
  },
);

test.each([
  'nonsense',
  '%00',
  '..%2f..',
  '0'.repeat(32),
  "'; drop table uploads",
  '00000000-0000-0000-0000-00000000000G',
])('end-13, end-5, end-6 and end-14 are 404 for the session %s, which nobody was given', async (session) => {
  const target = `/v2/acme/web/blobs/uploads/${session}`;
  for (const method of ['GET', 'PATCH', 'DELETE', 'PUT']) {
    const refused = await opened.call(method, `${target}?digest=sha256:${'0'.repeat(64)}`);
    expect(refused.status).toBe(404);
    expect(refused.codes()).toEqual(['BLOB_UPLOAD_UNKNOWN']);
  }
});

test('end-13 is 403 to who may pull and not push', async () => {
  const closed = openTestRegistry({ access: { authorize: ({ action }) => action === 'pull' } });
  const refused = await closed.call('GET', await openSession(opened));
  expect(refused.status).toBe(403);
  expect(refused.codes()).toEqual(['DENIED']);
});
