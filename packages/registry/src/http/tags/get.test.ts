import { afterEach, beforeAll, expect, test } from 'vitest';
import { imageOf } from '../../../test/support/documents.ts';
import { readPages } from '../../../test/support/pages.ts';
import { imageType, openTestRegistry, sha256 } from '../../../test/support/registry.ts';

const opened = openTestRegistry();
afterEach(() => expect(opened.faults).toEqual([]));

// In the order of their bytes.
const all = ['1', '10', '2', 'Latest', '_a', 'a', 'a-b', 'a.b', 'latest'];

beforeAll(async () => {
  await opened.pushBlob('acme/web', '{}');
  const image = imageOf([]);
  const query = [...all].reverse().map((tag) => `tag=${tag}`);
  await opened.call('PUT', `/v2/acme/web/manifests/${sha256(image)}?${query.join('&')}`, {
    headers: { 'content-type': imageType },
    body: image,
  });
});

const list = (query = '') => opened.call('GET', `/v2/acme/web/tags/list${query}`);

test('end-8a answers 200 with all tags in byte order', async () => {
  const answer = await list();
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe('application/json');
  expect(answer.headers['link']).toBeUndefined();
  expect(answer.json()).toEqual({ name: 'acme/web', tags: all });
});

test('end-8a HEAD answers 200 with the headers of GET', async () => {
  const { headers } = await list();
  const answer = await opened.call('HEAD', '/v2/acme/web/tags/list');
  expect(answer).toMatchObject({ status: 200, text: '', headers: { 'content-length': headers['content-length'] } });
});

test('end-8b pages by n, each with a Link to the next but the last one', async () => {
  const pages = await readPages(opened, '/v2/acme/web/tags/list?n=4');
  expect(pages.map((page) => page.json().tags)).toEqual([all.slice(0, 4), all.slice(4, 8), all.slice(8)]);
});

test('end-8b of exactly as many tags as there are has no Link', async () => {
  const answer = await list(`?n=${all.length}`);
  expect(answer.json().tags).toEqual(all);
  expect(answer.headers['link']).toBeUndefined();
});

test('end-8b begins behind last, with or without n', async () => {
  expect((await list('?last=2')).json().tags).toEqual(['Latest', '_a', 'a', 'a-b', 'a.b', 'latest']);
  expect((await list('?last=2&n=2')).json().tags).toEqual(['Latest', '_a']);
  expect((await list('?last=latest')).json().tags).toEqual([]);
});

test('end-8b begins where a last that is not there would be', async () => {
  expect((await list('?last=a-z')).json().tags).toEqual(['a.b', 'latest']);
  expect((await list('?last=%00')).json().tags).toEqual(all);
  expect((await list('?last=~')).json().tags).toEqual([]);
});

test('end-8b with n=0 answers 200 with an empty list and no Link', async () => {
  const answer = await list('?n=0');
  expect(answer).toMatchObject({ status: 200 });
  expect(answer.json()).toEqual({ name: 'acme/web', tags: [] });
  expect(answer.headers['link']).toBeUndefined();
});

test('end-8b with an n that is no number of entries is 400', async () => {
  for (const n of ['-1', 'ten', '1.5', '0x10', '1e3', ' 1', '%2B1']) {
    const answer = await list(`?n=${n}`);
    expect([n, answer.status, ...answer.codes()]).toEqual([n, 400, 'UNSUPPORTED']);
  }
});

test('end-8b with a huge n answers 200 with a page that is capped', async () => {
  for (const n of ['10001', '9'.repeat(400)]) expect((await list(`?n=${n}`)).json().tags).toEqual(all);
});

test('end-8a of a repository without tags answers 200 with an empty list', async () => {
  await opened.pushBlob('acme/empty', 'a blob');
  const answer = await opened.call('GET', '/v2/acme/empty/tags/list');
  expect(answer.status).toBe(200);
  expect(answer.json()).toEqual({ name: 'acme/empty', tags: [] });
});

test('end-8 of an unknown repository is 404, whatever n says', async () => {
  for (const query of ['', '?n=0', '?n=1']) {
    const answer = await opened.call('GET', `/v2/acme/none/tags/list${query}`);
    expect([query, answer.status, ...answer.codes()]).toEqual([query, 404, 'NAME_UNKNOWN']);
  }
});

test('end-8a of more than 10,000 tags gives the first 10,000 and a Link', async () => {
  const image = imageOf([]);
  await opened.pushBlob('acme/many', '{}');
  const tagAt = (i: number) => `t${String(i).padStart(5, '0')}`;
  for (let start = 0; start < 10_001; start += 1_000) {
    const count = Math.min(1_000, 10_001 - start);
    const query = Array.from({ length: count }, (_, i) => `tag=${tagAt(start + i)}`).join('&');
    const target = `/v2/acme/many/manifests/${sha256(image)}?${query}`;
    await opened.call('PUT', target, { headers: { 'content-type': imageType }, body: image });
  }
  const first = await opened.call('GET', '/v2/acme/many/tags/list?n=20000');
  expect(first.json().tags).toHaveLength(10_000);
  expect(first.headers['link']).toBe('</v2/acme/many/tags/list?n=10000&last=t09999>; rel="next"');
  const second = await opened.call('GET', '/v2/acme/many/tags/list?n=10000&last=t09999');
  expect(second.json().tags).toEqual(['t10000']);
});
