import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { basic, bearer, openUserRegistry } from '../../test/access/users.ts';
import { openTestRegistry, sha256, stream } from '../../test/support/registry.ts';
import { StorageError } from '../storage/error.ts';
import type { MetadataStore } from '../storage/metadata-store.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import { DisconnectedError } from './message.ts';

/** A registry whose metadata fails with `error` when it is asked for a repository. */
function failing(error: unknown) {
  const metadata: MetadataStore = { ...sqlite({ file: ':memory:' }), findRepository: () => Promise.reject(error) };
  return openTestRegistry({ metadata });
}

test('every path and method that is no endpoint gets an error document with a code and a message', async () => {
  const opened = openTestRegistry();
  for (const [method, target, status, code] of [
    ['GET', '/v2/acme', 404, 'UNSUPPORTED'],
    ['GET', '/v2/acme/web/manifests/', 404, 'UNSUPPORTED'],
    ['GET', '/v2/acme/web/unknown/latest', 404, 'UNSUPPORTED'],
    ['GET', '/v2/%00', 404, 'UNSUPPORTED'],
    ['GET', `/v2/${'/'.repeat(50)}`, 404, 'UNSUPPORTED'],
    ['POST', '/v2/', 405, 'UNSUPPORTED'],
    ['TRACE', '/v2/acme/web/tags/list', 405, 'UNSUPPORTED'],
    ['GET', `/v2/?${'a'.repeat(20_000)}`, 414, 'UNSUPPORTED'],
    ['GET', '/v2/../etc/passwd/manifests/latest', 400, 'NAME_INVALID'],
    ['GET', '/v2/acme/../web/manifests/latest', 400, 'NAME_INVALID'],
    ['GET', '/v2/acme%2Fweb/manifests/latest', 400, 'NAME_INVALID'],
    ['GET', '/v2/acme%00/manifests/latest', 400, 'NAME_INVALID'],
    ['GET', '/v2/Acme/manifests/latest', 400, 'NAME_INVALID'],
    ['GET', '/v2/acme//web/manifests/latest', 400, 'NAME_INVALID'],
    ['GET', `/v2/${'a'.repeat(256)}/manifests/latest`, 400, 'NAME_INVALID'],
    ['GET', '/v2/_catalog/manifests/latest', 400, 'NAME_INVALID'],
  ] as const) {
    const answer = await opened.call(method, target);
    expect([target, answer.status, answer.codes()]).toEqual([target, status, [code]]);
    expect(answer.json().errors[0].message).toMatch(/^.{10,400}$/s);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(answer.bytes.byteLength),
      'x-content-type-options': 'nosniff',
      'x-request-id': expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    if (status === 405) expect(answer.headers['allow']).toBe('GET, HEAD');
  }
  expect(opened.faults).toEqual([]);
});

test('end-1 answers 200, with and without its slash, and every answer says what it speaks', async () => {
  const opened = openTestRegistry();
  for (const target of ['/v2/', '/v2', '/v2/?account=alice']) {
    const answer = await opened.call('GET', target);
    expect(answer).toMatchObject({ status: 200, text: '{}' });
    expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0');
  }
  expect(await opened.call('HEAD', '/v2/')).toMatchObject({
    status: 200,
    text: '',
    headers: { 'content-length': '2' },
  });
});

test('a refused HEAD has the status and headers of GET and no body', async () => {
  const opened = openTestRegistry();
  const answer = await opened.call('HEAD', '/v2/acme/web/manifests/latest');
  expect(answer).toMatchObject({ status: 404, text: '' });
  expect(Number(answer.headers['content-length'])).toBeGreaterThan(0);
});

test('each request is told of once, with the id that its answer carries, its status and its time', async () => {
  const ids = ['1', '2'].map((digit) => digit.repeat(32));
  const opened = openTestRegistry({ sources: { randomId: () => ids.shift() ?? '' } });
  const first = await opened.call('GET', '/v2/');
  const second = await opened.call('GET', '/v2/acme/web/tags/list?n=1');
  expect([first, second].map(({ headers }) => headers['x-request-id'])).toEqual(['1'.repeat(32), '2'.repeat(32)]);
  expect(opened.reports).toMatchObject([
    { requestId: '1'.repeat(32), method: 'GET', target: '/v2/', status: 200, durationMs: 0, error: undefined },
    { target: '/v2/acme/web/tags/list?n=1', status: 404, error: { code: 'NAME_UNKNOWN' } },
  ]);
});

test('a store that throws is a 500 that shows nothing of the inside, and onError is told', async () => {
  for (const thrown of [
    new Error('ENOENT /var/secret/registry.db'),
    new TypeError('x is undefined'),
    'a secret text',
  ]) {
    const opened = failing(thrown);
    const answer = await opened.call('GET', '/v2/acme/web/manifests/latest');
    expect([answer.status, ...answer.codes()]).toEqual([500, 'UNKNOWN']);
    expect(answer.text).not.toMatch(/secret|undefined|ENOENT|\.ts/);
    expect(answer.json().errors[0].message).toContain('request id');
    expect(answer.headers['x-request-id']).toBe(opened.reports[0]?.requestId);
    if (thrown instanceof Error) expect(opened.faults).toEqual([thrown]);
    expect(opened.faults).toHaveLength(1);
    expect(opened.reports).toMatchObject([{ status: 500, error: opened.faults[0] }]);
  }
});

test('a decision that throws is a 500: nothing is served, and nothing of it is shown', async () => {
  for (const authorize of [
    () => {
      throw new Error('the secret database is away');
    },
    () => Promise.reject(new Error('the secret database is away')),
  ]) {
    const opened = openTestRegistry({ access: { authorize } });
    for (const [method, target] of [
      ['GET', '/v2/acme/web/manifests/latest'],
      ['POST', '/v2/acme/web/blobs/uploads/'],
    ] as const) {
      const answer = await opened.call(method, target);
      expect([answer.status, ...answer.codes()]).toEqual([500, 'UNKNOWN']);
      expect(answer.text).not.toContain('secret');
    }
    expect(opened.faults.map(({ message }) => message)).toEqual(Array(2).fill('the secret database is away'));
  }
});

test('a store without space is 507, one that cannot go on 503 with Retry-After, and onError is told', async () => {
  for (const [code, status, headers] of [
    ['no-space', 507, {}],
    ['unavailable', 503, { 'retry-after': '5' }],
  ] as const) {
    const cause = new StorageError(code, 'ENOSPC /var/secret');
    const opened = failing(cause);
    const answer = await opened.call('POST', '/v2/acme/web/blobs/uploads/');
    expect([answer.status, ...answer.codes()]).toEqual([status, 'UNKNOWN']);
    expect(answer.headers).toMatchObject(headers);
    expect(answer.text).not.toContain('secret');
    expect(opened.faults).toEqual([cause]);
  }
});

test('a refusal of a store that nobody expected is a fault, 500', async () => {
  const cause = new StorageError('not-found', 'The file /var/secret is not there.');
  const opened = failing(cause);
  const answer = await opened.call('GET', '/v2/acme/web/tags/list');
  expect([answer.status, ...answer.codes()]).toEqual([500, 'UNKNOWN']);
  expect(answer.text).not.toContain('secret');
  expect(opened.faults).toEqual([cause]);
});

test('a repository that another one made meanwhile is 403 with what to do', async () => {
  const opened = failing(new StorageError('repository-changed', 'The repository acme/web was made by someone else.'));
  const answer = await opened.call('POST', '/v2/acme/web/blobs/uploads/');
  expect([answer.status, ...answer.codes()]).toEqual([403, 'DENIED']);
  expect(answer.text).toContain('Push again.');
  expect(opened.faults).toEqual([]);
});

test('a client that hangs up is no fault of the registry', async () => {
  const opened = openTestRegistry();
  const body = stream('{', new DisconnectedError());
  await opened.call('PUT', '/v2/acme/web/manifests/latest', { body });
  const aborted = new AbortController();
  aborted.abort();
  await opened.call('POST', `/v2/acme/web/blobs/uploads/?digest=${sha256('a')}`, {
    body: stream('a', new Error('the socket is gone')),
    signal: aborted.signal,
  });
  expect(opened.faults).toEqual([]);
  expect(opened.reports.map(({ status }) => status)).toEqual([400, 400]);
});

test('a listener that throws is told as a warning, and the answer stands', async () => {
  const warnings: unknown[] = [];
  const listen = (warning: Error) => warnings.push(warning.message);
  process.on('warning', listen);
  const fail = () => {
    throw new Error('a listener of the application');
  };
  const opened = openTestRegistry({ onRequest: fail, onError: fail });
  expect((await opened.call('GET', '/v2/')).status).toBe(200);
  await setImmediate();
  process.off('warning', listen);
  expect(warnings).toContain('a listener of the application');
});

test('a bug is told of though the client has gone away', async () => {
  const opened = openTestRegistry({
    access: {
      authorize() {
        throw new TypeError('a bug');
      },
    },
  });
  const gone = AbortSignal.abort(new DisconnectedError());
  expect((await opened.call('GET', '/v2/a/tags/list', { signal: gone })).status).toBe(500);
  expect(opened.faults).toMatchObject([{ message: 'a bug' }]);
});

test('credentials are read before anything else of a request, and a fault of who reads them is a 500', async () => {
  const fault = new Error('the secret directory is away');
  for (const headers of [basic('alice'), bearer('theirs')]) {
    const opened = openTestRegistry({ access: { authenticate: () => Promise.reject(fault), authorize: () => true } });
    const body = stream(new Error('the body was read'));
    const answer = await opened.call('PUT', '/v2/acme/web/manifests/latest', { headers, body });
    expect([answer.status, ...answer.codes()]).toEqual([500, 'UNKNOWN']);
    expect(answer.text).not.toContain('secret');
    expect(opened.faults).toEqual([fault]);
  }
});

test('Basic is good on every route, push and pull, without a token', async () => {
  const opened = openUserRegistry();
  const digest = await opened.pushAs('alice', 'alice/web');
  const headers = basic('alice');
  expect((await opened.call('GET', '/v2/alice/web/manifests/latest', { headers })).headers).toMatchObject({
    'docker-content-digest': digest,
  });
  expect((await opened.call('DELETE', '/v2/alice/web/manifests/latest', { headers })).status).toBe(202);
});

test('a path or method that is no endpoint says so to everybody, before anybody is asked who they are', async () => {
  const opened = openUserRegistry();
  for (const headers of [{}, basic('alice', 'wrong'), bearer('forged')]) {
    expect((await opened.call('GET', '/v2/acme', { headers })).status).toBe(404);
    expect((await opened.call('POST', '/v2/', { headers })).status).toBe(405);
  }
});
