import { expect, test } from 'vitest';
import { parseRepositoryName } from '../oci/name.ts';
import type { RepositoryRecord } from '../storage/metadata-store.ts';
import { type AccessOptions, type AuthorizeRequest, createAccess } from './permit.ts';

const name = parseRepositoryName('acme/web');
const alice = { id: 'alice', groups: ['staff'] };
const record: RepositoryRecord = { id: 7, name, visibility: 'private', createdBy: 'bob' };

const accessOf = (options: AccessOptions, repository: RepositoryRecord | undefined = record) =>
  createAccess(options, { findRepository: async (asked) => (asked === name ? repository : undefined) });

test('open access gives everyone a permit for everything', async () => {
  for (const action of ['pull', 'push', 'delete', 'manage'] as const) {
    const permit = await accessOf('open').getPermit(undefined, action, name);
    expect(permit).toEqual({ repository: { id: 7, name }, identity: undefined, action });
  }
});

test('a decision gets who asks, for what, and what it may know of the repository', async () => {
  const asked: AuthorizeRequest[] = [];
  const access = accessOf({
    authorize(request) {
      asked.push(request);
      return true;
    },
  });
  const permit = await access.getPermit(alice, 'delete', name);
  expect(permit).toEqual({ repository: { id: 7, name }, identity: alice, action: 'delete' });
  expect(asked).toEqual([
    { identity: alice, action: 'delete', name, repository: { name, visibility: 'private', createdBy: 'bob' } },
  ]);
});

test('a repository that is not there is undefined to a decision, and has no id in the permit', async () => {
  const asked: AuthorizeRequest[] = [];
  const access = createAccess(
    { authorize: (request) => asked.push(request) > 0 },
    { findRepository: async () => undefined },
  );
  const permit = await access.getPermit(alice, 'push', name);
  expect(permit.repository).toEqual({ id: undefined, name });
  expect(asked).toMatchObject([{ repository: undefined, name }]);
});

test('a decision may be a promise; no is no permit', async () => {
  for (const authorize of [() => false, async () => false]) {
    expect(await accessOf({ authorize }).findPermit(alice, 'pull', name)).toBeUndefined();
  }
  expect(await accessOf({ authorize: async () => true }).findPermit(alice, 'pull', name)).toBeDefined();
});

test('a decision that answers nothing is a no', async () => {
  const authorize = (() => undefined) as unknown as () => boolean;
  expect(await accessOf({ authorize }).findPermit(alice, 'pull', name)).toBeUndefined();
});

test('a decision that throws gives no permit', async () => {
  const access = accessOf({ authorize: () => Promise.reject(new Error('away')) });
  await expect(access.findPermit(alice, 'pull', name)).rejects.toThrow('away');
  await expect(access.getPermit(alice, 'pull', name)).rejects.toThrow('away');
});

test('a refused read says what a repository that is not there says', async () => {
  const refusing = accessOf({ authorize: () => false });
  await expect(refusing.getPermit(alice, 'pull', name)).rejects.toMatchObject({
    code: 'NAME_UNKNOWN',
    message: 'There is no such repository.',
  });
});

test('a refused write names who, what and where', async () => {
  const refusing = accessOf({ authorize: () => false });
  for (const [identity, action, message] of [
    [alice, 'push', 'alice may not push to acme/web.'],
    [alice, 'delete', 'alice may not delete in acme/web.'],
    [undefined, 'push', 'An anonymous caller may not push to acme/web.'],
  ] as const) {
    await expect(refusing.getPermit(identity, action, name)).rejects.toMatchObject({ code: 'DENIED', message });
  }
});

test('each request is decided anew', async () => {
  let isAllowed = true;
  const access = accessOf({ authorize: () => isAllowed });
  expect(await access.findPermit(alice, 'push', name)).toBeDefined();
  isAllowed = false;
  expect(await access.findPermit(alice, 'push', name)).toBeUndefined();
});
