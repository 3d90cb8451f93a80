import { expect, test } from 'vitest';
import { indexOf } from '../../test/support/documents.ts';
import { indexType, openTestRegistry } from '../../test/support/registry.ts';
import type { AccessOptions } from '../access/doors.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';

const access: AccessOptions = {
  authenticate: (shown) =>
    'password' in shown && shown.password === 'right'
      ? { id: shown.username, admin: shown.username === 'root' }
      : undefined,
};

/** A registry with logins, what its audit holds, and calls as a user. */
function open() {
  const metadata = sqlite({ file: ':memory:' });
  const { call } = openTestRegistry({ metadata, access });
  const basic = (user: string, password = 'right') => ({
    authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
  });
  return {
    as: (user: string, password?: string) => (method: string, target: string, body?: string) =>
      call(method, target, { headers: { ...basic(user, password), 'content-type': indexType }, ...(body && { body }) }),
    call,
    lines: async () =>
      (await metadata.listAudit({ after: 0, limit: 100 })).map(
        ({ identity, act, isAllowed, repository, about }) => [identity, act, isAllowed, repository, about] as const,
      ),
  };
}

test('the audit has a line for each push, delete, refusal and failed login, and none for reads and challenges', async () => {
  const { as, call, lines } = open();
  const alice = as('alice');
  const { headers } = await alice('PUT', '/v2/acme/web/manifests/1', indexOf([]));
  const digest = String(headers['docker-content-digest']);
  await alice('GET', '/v2/acme/web/manifests/1');
  await call('GET', '/v2/acme/web/manifests/1');
  await as('bob')('PUT', '/v2/acme/web/manifests/2', indexOf([]));
  await as('bob')('GET', '/v2/acme/web/manifests/1');
  await as('bob')('GET', '/v2/acme/none/manifests/1');
  await as('alice', 'wrong')('GET', '/v2/');
  await alice('DELETE', '/v2/acme/web/manifests/1');
  await alice('DELETE', `/v2/acme/web/manifests/${digest}`);
  await alice('DELETE', `/v2/acme/web/manifests/${digest}`);
  expect(await lines()).toEqual([
    ['alice', 'push', true, 'acme/web', '1'],
    ['bob', 'push', false, 'acme/web', '2'],
    ['bob', 'pull', false, 'acme/web', '1'],
    [undefined, 'login', false, undefined, 'alice'],
    ['alice', 'delete', true, 'acme/web', '1'],
    ['alice', 'delete', true, 'acme/web', digest],
  ]);
});

test('the audit has a line for a login at the token endpoint, and none for the tokens that follow it', async () => {
  const { as, lines } = open();
  await as('alice')('GET', '/v2/token');
  await as('alice')('GET', '/v2/token?scope=repository:acme/web:pull');
  await as('bob')('GET', '/v2/token?scope=repository:acme/web:pull&offline_token=true');
  await as('alice', 'wrong')('GET', '/v2/token');
  expect(await lines()).toEqual([
    ['alice', 'login', true, undefined, undefined],
    ['bob', 'login', true, undefined, undefined],
    [undefined, 'login', false, undefined, 'alice'],
  ]);
});

test('an audit that cannot be written is told of though the listener throws, and breaks nothing', async () => {
  const appendAudit = () => Promise.reject(new Error('no audit today'));
  const told: unknown[] = [];
  const onError = (...of: unknown[]) => {
    told.push(of);
    throw new Error('a listener of the application');
  };
  const warned = new Promise((resolve) => process.once('warning', resolve));
  const { call, registry } = openTestRegistry({ metadata: { ...sqlite({ file: ':memory:' }), appendAudit }, onError });
  await call('PUT', '/v2/a/manifests/1', { headers: { 'content-type': indexType }, body: indexOf([]) });
  await registry.close({ drainMs: 1000 });
  expect(told).toEqual([[new Error('no audit today'), undefined]]);
  expect(await warned).toMatchObject({ message: 'a listener of the application' });
});

test('an audit that cannot be written delays no answer and breaks none, and is told of', async () => {
  const metadata = sqlite({ file: ':memory:' });
  const appendAudit = () => Promise.reject(new Error('no audit today'));
  const opened = openTestRegistry({ metadata: { ...metadata, appendAudit } });
  const body = indexOf([]);
  expect((await opened.call('PUT', '/v2/a/manifests/1', { headers: { 'content-type': indexType }, body })).status).toBe(
    201,
  );
  await opened.registry.close({ drainMs: 1000 });
  expect(opened.faults).toMatchObject([{ message: 'no audit today' }]);
});
