import { afterEach, expect, test } from 'vitest';
import { basic, openUserRegistry } from '../../../test/access/users.ts';
import { indexOf } from '../../../test/support/documents.ts';
import { readPages } from '../../../test/support/pages.ts';
import { indexType, openTestRegistry } from '../../../test/support/registry.ts';

const opened = openTestRegistry();
afterEach(() => expect(opened.faults).toEqual([]));

const names = ['a', 'a-b/c', 'a/b', 'a0', 'b'];
const catalog = async (target = '/v2/_catalog') => {
  const answer = await opened.call('GET', target);
  expect(answer.status).toBe(200);
  return answer;
};

test('catalog of a new registry answers 200 with an empty list', async () => {
  expect((await catalog()).json()).toEqual({ repositories: [] });
});

test('catalog answers 200 with the repositories that hold a manifest, in byte order', async () => {
  for (const name of [...names].reverse()) await opened.pushImage(name, 'latest');
  await opened.pushBlob('only/blobs', 'a blob');
  const answer = await catalog();
  expect(answer.json()).toEqual({ repositories: names });
  expect(answer.headers['link']).toBeUndefined();
});

test('catalog pages by n, each with a Link to the next but the last one', async () => {
  const pages = await readPages(opened, '/v2/_catalog?n=2');
  expect(pages.map((page) => page.json().repositories)).toEqual([names.slice(0, 2), names.slice(2, 4), names.slice(4)]);
});

test('catalog begins behind last, which need not be there', async () => {
  expect((await catalog('/v2/_catalog?last=a/b')).json().repositories).toEqual(['a0', 'b']);
  expect((await catalog('/v2/_catalog?last=a/a')).json().repositories).toEqual(['a/b', 'a0', 'b']);
});

test('catalog with n=0 answers 200 with an empty list and no Link, and a huge n is capped', async () => {
  const answer = await catalog('/v2/_catalog?n=0');
  expect(answer.json()).toEqual({ repositories: [] });
  expect(answer.headers['link']).toBeUndefined();
  expect((await catalog(`/v2/_catalog?n=${'9'.repeat(30)}`)).json().repositories).toEqual(names);
});

test('catalog with an n or a last that is none is 400', async () => {
  for (const [query, code] of [
    ['n=-1', 'UNSUPPORTED'],
    ['n=a', 'UNSUPPORTED'],
    ['last=UPPER', 'NAME_INVALID'],
    ['last=../etc', 'NAME_INVALID'],
  ] as const) {
    const answer = await opened.call('GET', `/v2/_catalog?${query}`);
    expect([query, answer.status, ...answer.codes()]).toEqual([query, 400, code]);
  }
});

test('catalog forgets a repository whose last manifest is deleted', async () => {
  const { digest } = await opened.pushImage('short/lived', 'latest');
  expect((await catalog()).json().repositories).toContain('short/lived');
  await opened.call('DELETE', `/v2/short/lived/manifests/${digest}`);
  expect((await catalog()).json().repositories).toEqual(names);
});

test('catalog gives only what authorize lets the caller pull, and asks it anew each time', async () => {
  const visible = new Set<string>();
  const limited = openTestRegistry({
    access: { authorize: async ({ action, name }) => action !== 'pull' || visible.has(name) },
  });
  for (const name of names) await limited.pushImage(name, 'latest');
  const list = async (query = '') => (await limited.call('GET', `/v2/_catalog${query}`)).json().repositories;
  expect(await list()).toEqual([]);
  visible.add('a/b').add('b');
  expect(await list()).toEqual(['a/b', 'b']);
  expect(await list('?n=1')).toEqual(['a/b']);
  visible.delete('b');
  expect(await list()).toEqual(['a/b']);
});

test('catalog names no repository in a Link that the caller may not pull, and goes on behind it all the same', async () => {
  const visible = new Set(['zoo']);
  let isMaking = true;
  const opened = openTestRegistry({ access: { authorize: ({ name }) => isMaking || visible.has(name) } });
  const names = [...Array.from({ length: 1001 }, (_, n) => `secret${String(n).padStart(4, '0')}`), 'zoo'];
  const headers = { 'content-type': indexType };
  for (const name of names) await opened.call('PUT', `/v2/${name}/manifests/a`, { headers, body: indexOf([]) });
  isMaking = false;
  const first = await opened.call('GET', '/v2/_catalog?n=5');
  expect(first.json()).toEqual({ repositories: [] });
  expect(first.text + first.headers['link']).not.toContain('secret');
  const [, next = ''] = /<(.*)>/.exec(String(first.headers['link'])) ?? [];
  const second = await opened.call('GET', next);
  expect(second.json()).toEqual({ repositories: ['zoo'] });
  expect(second.headers['link']).toBeUndefined();
});

test('catalog from a place that is none is 400', async () => {
  const opened = openTestRegistry();
  for (const place of ['1', 'x', '-1', '']) {
    expect((await opened.call('GET', `/v2/_catalog?place=${place}`)).status).toBe(400);
  }
});

test('catalog lists to each what they may pull, by Basic and by a token, and is 401 to who shows nothing', async () => {
  const users = openUserRegistry();
  for (const name of ['alice/private', 'alice/public', 'alice/shared', 'team/web']) await users.pushAs('alice', name);
  await users.setVisibility('alice/public', 'public');
  await users.grant('alice/shared', 'carol', 'reader');
  await users.grant('team/*', 'carol', 'contributor');
  const narrow = await users.bearerFor(['repository:alice/private:pull'], basic('alice'));
  for (const headers of [{}, narrow]) {
    const refused = await users.call('GET', '/v2/_catalog', { headers });
    expect([refused.status, ...refused.codes()]).toEqual([401, 'UNAUTHORIZED']);
    expect(refused.headers['www-authenticate']).toContain('scope="registry:catalog:*"');
  }
  for (const [who, expected] of [
    ['alice', ['alice/private', 'alice/public', 'alice/shared', 'team/web']],
    ['admin', ['alice/private', 'alice/public', 'alice/shared', 'team/web']],
    ['carol', ['alice/public', 'alice/shared', 'team/web']],
    ['stranger', ['alice/public']],
  ] as const) {
    const everything = ['registry:catalog:*'];
    for (const headers of [basic(who), await users.bearerFor(everything, basic(who))]) {
      const answer = await users.call('GET', '/v2/_catalog', { headers });
      expect([who, answer.json()]).toEqual([who, { repositories: expected }]);
    }
  }
  const headers = await users.bearerFor(['registry:catalog:*']);
  expect((await users.call('GET', '/v2/_catalog', { headers })).json()).toEqual({ repositories: ['alice/public'] });
  expect(users.faults).toEqual([]);
});
