import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Data, withData } from '../commands/open-data.ts';
import { readSettings } from '../read-settings.ts';
import { type Explanation, explain } from './explain.ts';
import type { Refusal } from './refusal.ts';

const base: Refusal = {
  ...{ requestId: 'a', atMs: 0, method: 'POST', target: '/v2/acme/web/blobs/uploads/', status: 403, code: 'DENIED' },
  ...{ message: 'No.', identity: 'alice', failedName: undefined, address: undefined },
};

async function explained(
  change: Partial<Refusal>,
  prepare: (data: Data) => Promise<unknown> = async () => undefined,
): Promise<Explanation> {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-why-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const { settings } = readSettings({ flags: new Map(), environment: {}, configFile: undefined, directory });
  return withData({ settings, directory, makes: true }, async (data) => {
    await prepare(data);
    return explain({ ...base, ...change }, data);
  });
}

test('a robot may do what its list says: the list is told, and the robot that could', async () => {
  const robot = { kind: 'robot', identity: 'robot+ci', actions: ['pull'], ttlSeconds: 3600 } as const;
  const found = await explained({ identity: 'robot+ci' }, (data) =>
    data.tokens.create({ ...robot, pattern: data.parsePattern('acme/*') }),
  );
  expect(found.rule).toBe('A robot may do what its list says, and the list of robot+ci is pull on acme/*.');
  expect(found.allow.at(-1)).toBe('moorage robot create ci --repository acme/web --actions pull,push');
});

test('whoever is known from outside gets a grant that says so', async () => {
  const found = await explained({ target: '/v2/acme/web/manifests/1', method: 'PUT' });
  expect(found.allow).toEqual(['moorage repo grant acme/web alice --role contributor --outside']);
});

test.each([
  [
    'a rate',
    { status: 429, code: 'TOOMANYREQUESTS', message: 'Too many requests. Try again in 4 seconds.' },
    /rateLimits/,
  ],
  ['a reserve', { status: 413 }, /uploads\.reserveBytes/],
  [
    'a narrow token',
    { status: 401, code: 'UNAUTHORIZED', message: 'The token is not good for push on acme/web' },
    /scopes/,
  ],
  [
    'a repository that is not there',
    { status: 404, code: 'NAME_UNKNOWN', method: 'GET', target: '/v2/acme/web/tags/list', identity: undefined },
    /no repository acme\/web/,
  ],
  [
    'anything else',
    { status: 405, code: 'UNSUPPORTED', message: 'Deletes are off.' },
    /^None of access: Deletes are off\./,
  ],
])('the rule is named: %s', async (_, change, rule) => {
  const found = await explained(change);
  expect(found.rule).toMatch(rule);
  expect(found.allow.length).toBeGreaterThan(0);
});

test('a disabled user and a name that could be a command are told apart', async () => {
  const failed = { status: 401, code: 'UNAUTHORIZED', identity: undefined };
  const disabled = await explained({ ...failed, failedName: 'bob' }, async ({ accounts: { users } }) => {
    await users.add({ name: 'bob', password: 'bob-secret-1', isAdmin: false });
    users.setDisabled('bob', true);
  });
  expect(disabled).toMatchObject({ rule: 'The user bob is disabled.', allow: ['moorage user enable bob'] });
  expect((await explained({ ...failed, failedName: '$(reboot)' })).allow).toEqual([
    'moorage user add NAME --password-stdin',
  ]);
});
