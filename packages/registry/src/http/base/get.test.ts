import { expect, test } from 'vitest';
import { openTestRegistry } from '../../../test/support/registry.ts';

const opened = openTestRegistry();

test.each(['/v2/', '/v2'])('end-1 GET %s answers 200 and says which API it is', async (target) => {
  const answer = await opened.call('GET', target);
  expect(answer.status).toBe(200);
  expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0');
  expect(answer.json()).toEqual({});
});

test('end-1 HEAD answers 200 without a body', async () => {
  const answer = await opened.call('HEAD', '/v2/');
  expect(answer).toMatchObject({ status: 200, text: '', headers: { 'content-length': '2' } });
});

test('end-1 answers 200 under another path, and 404 under /v2/ then', async () => {
  const elsewhere = openTestRegistry({ path: '/registry/v2' });
  expect((await elsewhere.call('GET', '/registry/v2/')).status).toBe(200);
  expect((await elsewhere.call('GET', '/v2/')).status).toBe(404);
});
