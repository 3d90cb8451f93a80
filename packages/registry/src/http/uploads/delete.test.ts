import { afterEach, expect, test } from 'vitest';
import { openTestRegistry, sha256 } from '../../../test/support/registry.ts';
import { content, listKeys, openSession, stalling } from '../../../test/support/uploads.ts';
import { memory } from '../../storage/memory.ts';

const blobs = memory();
const opened = openTestRegistry({ blobs });
afterEach(() => expect(opened.faults).toEqual([]));

test('end-14 answers 204, and the session is 404 with its bytes gone', async () => {
  const location = await openSession(opened);
  await opened.call('PATCH', location, { body: content(40_000) });
  expect(await opened.call('DELETE', location)).toMatchObject({ status: 204, text: '' });
  expect(await listKeys(blobs)).toEqual([]);
  for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
    const refused = await opened.call(method, `${location}?digest=${sha256('')}`);
    expect(refused.status).toBe(404);
    expect(refused.codes()).toEqual(['BLOB_UPLOAD_UNKNOWN']);
  }
});

test('end-14 of a session without bytes is 204', async () => {
  expect((await opened.call('DELETE', await openSession(opened))).status).toBe(204);
});

test('end-14 wants push and not delete: podman cancels with the token it pushes with', async () => {
  const pusher = openTestRegistry({ access: { authorize: ({ action }) => action === 'push' } });
  expect((await pusher.call('DELETE', await openSession(pusher))).status).toBe(204);
});

test('end-14 is 403 to who may delete and not push, and the session stays', async () => {
  let mayPush = true;
  const closed = openTestRegistry({ access: { authorize: ({ action }) => mayPush || action !== 'push' } });
  const location = await openSession(closed);
  mayPush = false;
  expect((await closed.call('DELETE', location)).codes()).toEqual(['DENIED']);
  mayPush = true;
  expect((await closed.call('GET', location)).status).toBe(204);
});

test('end-14 while a PATCH is under way is 204, and the bytes of that PATCH do not stay', async () => {
  const location = await openSession(opened);
  const chunk = stalling(content(40_000));
  const patching = opened.call('PATCH', location, { body: chunk.body });
  await chunk.owing;
  expect((await opened.call('DELETE', location)).status).toBe(204);
  chunk.resume(content(10));
  expect((await patching).codes()).toEqual(['BLOB_UPLOAD_UNKNOWN']);
  expect((await opened.call('GET', location)).status).toBe(404);
  expect(await listKeys(blobs)).toEqual([]);
});

test('end-14 leaves the blob of a session that was closed', async () => {
  const location = await openSession(opened);
  const bytes = content(40_000);
  await opened.call('PUT', `${location}?digest=${sha256(bytes)}`, { body: bytes });
  expect((await opened.call('DELETE', location)).status).toBe(404);
  expect((await opened.call('GET', `/v2/acme/web/blobs/${sha256(bytes)}`)).bytes.length).toBe(40_000);
});
