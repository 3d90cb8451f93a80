import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { createAccounts } from './accounts.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'moorage-accounts-'));
  const made = directory;
  return () => rmSync(made, { recursive: true });
});

function openAccounts(name = 'accounts.db') {
  const accounts = createAccounts({ file: join(directory, name), now: () => 1000 });
  onTestFinished(() => accounts.close());
  return accounts;
}

const alice = { name: 'alice', password: 'correct horse', isAdmin: false };
const credentials = (password: string, username = 'alice') => ({ username, password });

test('a user logs in with the password and with no other, and has its groups', async () => {
  const accounts = openAccounts();
  expect(await accounts.users.add(alice)).toBe(true);
  for (const group of ['staff', 'ops']) {
    expect(accounts.groups.add(group)).toBe(true);
    accounts.groups.join({ group, user: 'alice' });
  }
  const identity = { id: 'alice', groups: ['ops', 'staff'], admin: false, sinceMs: 1000 };
  expect(await accounts.authenticate(credentials('correct horse'))).toEqual(identity);
  expect(accounts.identify('alice')).toEqual(identity);
  for (const wrong of ['Correct horse', 'correct horse\n', '']) {
    expect(await accounts.authenticate(credentials(wrong))).toBeUndefined();
  }
  expect(await accounts.authenticate(credentials('correct horse', 'Alice'))).toBeUndefined();
  expect(await accounts.authenticate({ token: 'correct horse' })).toBeUndefined();
});

test('what another process changes counts in the next turn of the event loop, remembered or not', async () => {
  const [server, command] = [openAccounts(), openAccounts()];
  await command.users.add(alice);
  expect(await server.authenticate(credentials('correct horse'))).toBeDefined();

  command.users.setDisabled('alice', true);
  await setImmediate();
  expect(await server.authenticate(credentials('correct horse'))).toBeUndefined();
  expect(server.identify('alice')).toBeUndefined();
  command.users.setDisabled('alice', false);
  await setImmediate();
  expect(server.identify('alice')).toBeDefined();

  await command.users.setPassword('alice', 'another one');
  expect(await server.authenticate(credentials('correct horse'))).toBeUndefined();
  expect(await server.authenticate(credentials('another one'))).toBeDefined();

  command.users.remove('alice');
  await setImmediate();
  expect(await server.authenticate(credentials('another one'))).toBeUndefined();
  expect(server.identify('alice')).toBeUndefined();
});

test('a name is given to one, and again after its removal', async () => {
  const { users, groups } = openAccounts();
  await users.add(alice);
  expect(await users.add({ ...alice, isAdmin: true })).toBe(false);
  expect(users.find('alice')).toMatchObject({ isAdmin: false });
  expect(users.remove('alice')).toBe(true);
  expect(users.remove('alice')).toBe(false);
  expect(await users.add(alice)).toBe(true);

  expect([groups.add('alice'), groups.add('alice')]).toEqual([true, false]);
  expect([groups.remove('alice'), groups.remove('alice'), groups.add('alice')]).toEqual([true, false, true]);
});

test('the first user is an administrator whose password is told once', async () => {
  const accounts = openAccounts();
  const first = await accounts.users.addFirst();
  expect(first).toEqual({ name: 'admin', password: expect.stringMatching(/^[\w-]{24}$/) });
  expect(await accounts.users.addFirst()).toBeUndefined();
  expect(await accounts.authenticate(credentials(first?.password ?? '', 'admin'))).toEqual({
    id: 'admin',
    groups: [],
    admin: true,
    sinceMs: 1000,
  });
  expect(JSON.stringify(accounts.users.list())).not.toContain('argon2');
});

test('two processes that start at once make one first user', async () => {
  const [a, b] = [openAccounts(), openAccounts()];
  const made = await Promise.all([a.users.addFirst(), b.users.addFirst()]);
  expect(made.filter((first) => first !== undefined)).toHaveLength(1);
  expect(a.users.list()).toHaveLength(1);
});

test('where everybody was removed there is a first user again', async () => {
  const { users } = openAccounts();
  await users.addFirst();
  users.remove('admin');
  expect(await users.addFirst()).toMatchObject({ name: 'admin' });
  expect(users.remove('admin')).toBe(true);
});

test('who leaves or is removed is in no group, and a group that is removed has nobody', async () => {
  const { users, groups } = openAccounts();
  await users.add(alice);
  await users.add({ ...alice, name: 'bob' });
  for (const name of ['ops', 'staff']) groups.add(name);
  for (const user of ['bob', 'alice', 'bob']) groups.join({ group: 'ops', user });
  groups.join({ group: 'staff', user: 'alice' });
  expect(groups.list()).toEqual([
    { name: 'ops', createdMs: 1000, members: ['alice', 'bob'] },
    { name: 'staff', createdMs: 1000, members: ['alice'] },
  ]);
  expect(groups.leave({ group: 'ops', user: 'bob' })).toBe(true);
  expect(groups.leave({ group: 'ops', user: 'bob' })).toBe(false);
  users.remove('alice');
  expect(groups.find('ops')?.members).toEqual([]);
  groups.join({ group: 'ops', user: 'bob' });
  groups.remove('ops');
  expect(users.find('bob')?.groups).toEqual([]);
});

test('a wrong password, no such user and a disabled user take the same time', async () => {
  const { users, authenticate } = openAccounts();
  await users.add(alice);
  await users.add({ ...alice, name: 'bob' });
  users.setDisabled('bob', true);
  const names = ['alice', 'bob', 'nobody'];
  const times = new Map(names.map((name) => [name, [] as number[]]));
  for (let round = 0; round < 15; round++) {
    for (const name of names) {
      const start = performance.now();
      expect(await authenticate(credentials(`wrong ${round}`, name))).toBeUndefined();
      times.get(name)?.push(performance.now() - start);
    }
  }
  // The quickest of each, since a busy machine only ever adds; without a hash it would be a hundredth.
  const [known, disabled, unknown] = names.map((name) => Math.min(...(times.get(name) ?? [])));
  expect(unknown).toBeGreaterThan((known ?? 0) / 2);
  expect(disabled).toBeGreaterThan((known ?? 0) / 2);
});

test('the file is for its owner alone, and lost in no restart', async () => {
  const accounts = openAccounts();
  await accounts.users.add(alice);
  expect(statSync(join(directory, 'accounts.db')).mode & 0o077).toBe(0);
  expect(openAccounts().users.list()).toMatchObject([{ name: 'alice', groups: [] }]);
});

test('what cannot be opened is a StorageError that names the file', () => {
  writeFileSync(
    join(directory, 'text.db'),
    'This is no database, but text that is long enough to be looked at as one.',
  );
  expect(() => openAccounts('text.db').users.list()).toThrow(/^Cannot open the accounts in .*text\.db: file is not a/);
  expect(() => openAccounts('missing/accounts.db').users.list()).toThrow(/^Cannot open the accounts in .*missing/);

  const newer = new DatabaseSync(join(directory, 'newer.db'));
  newer.exec('pragma user_version = 99');
  newer.close();
  expect(() => openAccounts('newer.db').users.list()).toThrow(/^The accounts have version 99, .* newer Moorage/);
});
