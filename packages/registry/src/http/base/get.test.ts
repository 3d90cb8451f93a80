import { expect, test } from 'vitest';
import { basic, bearer, openUserRegistry } from '../../../test/access/users.ts';
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

test('end-1 where somebody can log in is 401 with a challenge, until somebody does, by Basic or by a token', async () => {
  const users = openUserRegistry();
  for (const method of ['GET', 'HEAD']) {
    const refused = await users.call(method, '/v2/');
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      401,
      'Bearer realm="/v2/token",service="moorage"',
    ]);
    expect(refused.headers['docker-distribution-api-version']).toBe('registry/2.0');
  }
  for (const headers of [basic('alice'), await users.bearerFor([], basic('alice')), await users.bearerFor([])]) {
    expect((await users.call('GET', '/v2/', { headers })).status).toBe(200);
  }
});

test('end-1 with credentials that are not good is 401, where nobody can log in too', async () => {
  const users = openUserRegistry();
  const nobodys = openTestRegistry({ access: { authorize: () => true } });
  for (const headers of [
    basic('alice', 'wrong'),
    basic('unknown'),
    bearer('forged'),
    { authorization: 'Negotiate abc' },
    { authorization: 'Basic' },
  ]) {
    for (const { call } of [users, nobodys]) {
      const answer = await call('GET', '/v2/', { headers });
      expect([headers, answer.status, ...answer.codes()]).toEqual([headers, 401, 'UNAUTHORIZED']);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm=/);
    }
  }
});

test('end-1 where everything is open answers 200, whatever is shown', async () => {
  for (const headers of [basic('alice', 'wrong'), bearer('forged')]) {
    expect((await opened.call('GET', '/v2/', { headers })).status).toBe(200);
  }
});
