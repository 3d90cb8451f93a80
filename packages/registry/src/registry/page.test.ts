import { expect, test } from 'vitest';
import { readPage } from './page.ts';

const entries = ['a', 'b', 'c'];
const list = async ({ after, limit }: { after: string | undefined; limit: number }) =>
  entries.filter((entry) => after === undefined || entry > after).slice(0, limit);

test('a page has at most its limit, and knows whether more follow', async () => {
  expect(await readPage({ after: undefined, limit: 2 }, list)).toEqual({ items: ['a', 'b'], hasMore: true });
  expect(await readPage({ after: 'b', limit: 2 }, list)).toEqual({ items: ['c'], hasMore: false });
  expect(await readPage({ after: undefined, limit: 3 }, list)).toEqual({ items: entries, hasMore: false });
});

test('an empty page asks nothing, and nothing follows it', async () => {
  const page = await readPage({ after: undefined, limit: 0 }, () => Promise.reject(new Error('It was asked.')));
  expect(page).toEqual({ items: [], hasMore: false });
});
