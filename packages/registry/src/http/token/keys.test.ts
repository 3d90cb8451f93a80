import { createLocalJWKSet, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { basic, openUserRegistry } from '../../../test/access/users.ts';

test('anybody can verify a token with the published keys, and nothing private is published', async () => {
  const opened = openUserRegistry();
  const { token } = (await opened.getToken([], basic('alice'))).json();
  await opened.registry.rotateKeys();
  const answer = await opened.call('GET', '/v2/token/keys');
  expect(answer.headers['content-type']).toBe('application/jwk-set+json');
  expect(answer.json().keys.map((key: object) => Object.keys(key).sort())).toEqual(
    Array(2).fill(['alg', 'crv', 'kid', 'kty', 'use', 'x']),
  );
  const options = { audience: 'moorage', issuer: 'moorage', currentDate: new Date(Date.UTC(2026, 0, 1)) };
  const { payload } = await jwtVerify(token, createLocalJWKSet(answer.json()), options);
  expect(payload.sub).toBe('alice');
  expect(opened.faults).toEqual([]);
});
