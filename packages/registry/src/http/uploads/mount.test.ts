import { expect, test } from 'vitest';
import { openTestRegistry, sha256, type TestRegistry } from '../../../test/support/registry.ts';
import { content } from '../../../test/support/uploads.ts';

/** A registry in which nobody may pull from repositories whose names begin with `secret/`, with the names that were asked for. */
function openWithSecrets(): TestRegistry & { readonly asked: string[] } {
  const asked: string[] = [];
  const opened = openTestRegistry({
    access: {
      authorize({ action, name }) {
        if (action === 'pull') asked.push(name);
        return action !== 'pull' || !name.startsWith('secret/');
      },
    },
  });
  return { ...opened, asked };
}

function mount(opened: TestRegistry, digest: string, from?: string) {
  const source = from === undefined ? '' : `&from=${encodeURIComponent(from)}`;
  return opened.call('POST', `/v2/acme/web/blobs/uploads/?mount=${digest}${source}`);
}

test.each([100, 40_000])('end-11 answers 201 and serves the %i bytes of the other repository', async (sizeBytes) => {
  const opened = openTestRegistry();
  const bytes = content(sizeBytes);
  const digest = await opened.pushBlob('library/base', bytes);
  const answer = await mount(opened, digest, 'library/base');
  const location = `/v2/acme/web/blobs/${digest}`;
  expect(answer).toMatchObject({ status: 201, headers: { location, 'docker-content-digest': digest } });
  expect(Buffer.compare((await opened.call('GET', location)).bytes, bytes)).toBe(0);

  await opened.call('DELETE', `/v2/library/base/blobs/${digest}`);
  expect((await opened.call('GET', location)).status).toBe(200);
});

test('end-11 of a blob that the repository has already is 201', async () => {
  const opened = openTestRegistry();
  const digest = await opened.pushBlob('acme/web', 'mine');
  expect((await mount(opened, digest, 'acme/web')).status).toBe(201);
  expect((await mount(opened, digest)).status).toBe(201);
});

test('end-11 is the same 202 where the source is refused, unknown or without the blob: it tells nothing', async () => {
  const opened = openWithSecrets();
  const digest = await opened.pushBlob('secret/plans', 'secret');
  await opened.pushBlob('library/base', 'something else');
  for (const from of ['secret/plans', 'secret/nothing', 'library/nothing', 'library/base']) {
    const answer = await mount(opened, digest, from);
    const session = answer.headers['docker-upload-uuid'];
    expect(answer).toMatchObject({ status: 202, text: '' });
    expect(answer.headers).toEqual({
      location: `/v2/acme/web/blobs/uploads/${session}`,
      range: '0-0',
      'docker-upload-uuid': session,
      'content-length': '0',
      'docker-distribution-api-version': 'registry/2.0',
      'x-content-type-options': 'nosniff',
      'x-request-id': answer.headers['x-request-id'],
    });
  }
  expect((await opened.call('HEAD', `/v2/acme/web/blobs/${digest}`)).status).toBe(404);
});

test('end-11 that became a 202 is a session like any other, which a PUT closes with 201', async () => {
  const opened = openTestRegistry();
  const answer = await mount(opened, sha256('hello'), 'library/nothing');
  const closed = await opened.call('PUT', `${answer.headers['location']}?digest=${sha256('hello')}`, { body: 'hello' });
  expect(closed.status).toBe(201);
});

test('end-11 without from is 201 from a repository that the caller may pull', async () => {
  const opened = openWithSecrets();
  const digest = await opened.pushBlob('secret/first', 'shared');
  await opened.pushBlob('library/base', 'shared');
  expect((await mount(opened, digest)).status).toBe(201);
  expect(opened.asked).toEqual(['secret/first', 'library/base']);
  expect((await opened.call('GET', `/v2/acme/web/blobs/${digest}`)).text).toBe('shared');
});

test('end-11 without from is 202 where only repositories have the blob that the caller may not pull', async () => {
  const opened = openWithSecrets();
  const digest = await opened.pushBlob('secret/first', 'secret');
  expect((await mount(opened, digest)).status).toBe(202);
  expect((await mount(opened, sha256('nobody has it'))).status).toBe(202);
  expect((await mount(opened, digest, '')).status).toBe(202);
});

test('end-11 without from asks for 32 repositories at most, and is 202 then', async () => {
  const opened = openWithSecrets();
  let digest = '';
  for (let n = 0; n < 33; n += 1) digest = await opened.pushBlob(`secret/number-${n}`, 'everywhere');
  await opened.pushBlob('library/base', 'everywhere');
  expect((await mount(opened, digest)).status).toBe(202);
  expect(opened.asked).toHaveLength(32);
});

test('end-11 is 403 to who may pull from the source but not push here', async () => {
  const opened = openTestRegistry({
    access: { authorize: ({ action, name }) => action === 'pull' || name === 'library/base' },
  });
  const digest = await opened.pushBlob('library/base', 'shared');
  expect((await mount(opened, digest, 'library/base')).status).toBe(403);
  expect((await opened.call('HEAD', `/v2/acme/web/blobs/${digest}`)).status).toBe(404);
});

test('end-11 of no digest, or from no repository name, is 400', async () => {
  const opened = openTestRegistry();
  expect((await mount(opened, 'latest', 'library/base')).codes()).toEqual(['DIGEST_INVALID']);
  const badName = await mount(opened, sha256('x'), 'Library/../base');
  expect(badName.status).toBe(400);
  expect(badName.codes()).toEqual(['NAME_INVALID']);
});
