import type { RegistryHandler, RegistryRequest } from '@moorage/registry';
import { expect, test } from 'vitest';
import { idsOf, ownerOf, routeToOwners } from './owners.ts';

const session = (digit: string) => `/v2/acme/web/blobs/uploads/0a1b2c3d-0000-1111-2222-33334444555${digit}`;
const request = (target: string, authorization?: string) =>
  ({ method: 'PATCH', target, headers: { authorization } }) as unknown as RegistryRequest;

test.each([
  ['/v2/acme/web/manifests/1', undefined],
  ['/v2/acme/web/blobs/uploads/', undefined],
  ['/v2/acme/web/blobs/uploads', undefined],
  ['/v2/acme/web/blobs/sha256:0123', undefined],
  ['/v2/acme/blobs/uploads/1/manifests/1', undefined],
  ['/v2/token/keys', undefined],
  ['/v2/token', 0],
  ['/v2/token?service=x', 0],
  ['/v2/token/', 0],
  ['/v2/token/?service=x', 0],
  [session('2'), 2],
  [`${session('2')}/`, 2],
  [`${session('1')}?digest=sha256:0`, 1],
  [`${session('1')}/?digest=sha256:0`, 1],
  [session('B'), 2],
  [session('e'), 2],
  ['/v2/two\nlines/blobs/uploads/1', 1],
])('who answers %j: %s', (target, owner) => {
  expect(ownerOf({ target }, { index: 1, count: 3 })).toBe(owner);
});

test('an id says which thread made it, and ids are left alone where there is one', () => {
  const ids = [...Array(50)].map(idsOf({ index: 11, count: 12 }) ?? (() => ''));
  for (const id of ids) expect(id).toMatch(/^[\da-f]{31}b$/);
  expect(new Set(ids).size).toBe(50);
  expect(idsOf({ index: 0, count: 1 })).toBeUndefined();
});

/** The registry of one thread, which tells of each request and lets `good` in, and the others. */
function threads(index: number) {
  const asked: string[] = [];
  const handlerOf = (name: string): RegistryHandler => ({
    owns: (path) => path === '/v2/',
    async handle({ method, target, headers: { authorization } }) {
      asked.push(`${name}: ${method} ${target}`);
      const isGood = authorization === undefined || /good$/.test(authorization);
      return { status: isGood ? 200 : 401, headers: {}, body: { kind: 'empty' } };
    },
  });
  const handler = routeToOwners(handlerOf('own'), { index, count: 3 }, (owner) => handlerOf(`thread ${owner}`));
  return { asked, handler };
}

test('a thread answers what it owns and what anybody may, and hands on the rest', async () => {
  const { asked, handler } = threads(1);
  for (const target of ['/v2/', session('1'), session('0'), session('2'), '/v2/token']) {
    await handler.handle(request(target, 'Bearer good'));
    await handler.handle(request(target));
  }
  const names = ['own', 'own', 'thread 0', 'thread 2', 'thread 0'].flatMap((name) => [name, name]);
  expect(asked.map((line) => line.split(': ')[0])).toEqual(names);
  expect([handler.owns('/v2/'), handler.owns('/')]).toEqual([true, false]);
});

test('passwords go to the main thread, with whatever they come', async () => {
  const { asked, handler } = threads(2);
  for (const target of ['/v2/', session('2'), session('1')]) await handler.handle(request(target, 'Basic good'));
  await handler.handle(request('/v2/', 'Negotiate good'));
  expect(asked.every((line) => line.startsWith('thread 0: '))).toBe(true);
});

test('the main thread hands a password on with the upload of another one once it was found to be good', async () => {
  const { asked, handler } = threads(0);
  expect((await handler.handle(request(session('1'), 'Basic bad'))).status).toBe(401);
  expect((await handler.handle(request(session('1'), 'Basic good'))).status).toBe(200);
  expect((await handler.handle(request(session('0'), 'Basic bad'))).status).toBe(401);
  expect(asked).toEqual([
    'own: GET /v2/',
    'own: GET /v2/',
    `thread 1: PATCH ${session('1')}`,
    `own: PATCH ${session('0')}`,
  ]);
});
