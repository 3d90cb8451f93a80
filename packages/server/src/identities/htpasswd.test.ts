import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hash } from '@node-rs/bcrypt';
import { beforeEach, expect, test } from 'vitest';
import { createHtpasswd } from './htpasswd.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'moorage-htpasswd-'));
  const made = directory;
  return () => rmSync(made, { recursive: true });
});

const line = async (name: string, password: string, cost = 4) => `${name}:${await hash(password, cost)}\n`;
const free = () => undefined;

/** The users of a file with `content`, a clock that the test moves, and what the log was told. */
async function start(content: string, path = join(directory, 'users')) {
  const clock = { nowMs: 1_000_000 };
  const told: string[] = [];
  const tell = (fields: object, message: string) => void told.push(`${message} ${JSON.stringify(fields)}`);
  writeFileSync(path, content);
  const htpasswd = createHtpasswd({ path, log: { info: tell, warn: tell }, now: () => clock.nowMs });
  await htpasswd.load(free);
  const write = (text: string) => {
    writeFileSync(path, text);
    clock.nowMs += 1000;
  };
  return { htpasswd, clock, told, write, path };
}

const credentials = (password: string, username = 'alice') => ({ username, password });

test('a user logs in with the password and with no other, and is known again by what the token carries', async () => {
  const { htpasswd } = await start((await line('alice', 'right')) + (await line('bob', 'right')));
  const alice = await htpasswd.authenticate(credentials('right'));
  expect(alice).toEqual({ id: 'alice', credential: expect.stringMatching(/^htpasswd\.[\w-]{22}$/) });
  expect(await htpasswd.identify('alice', alice?.credential ?? '')).toEqual(alice);
  // The same password of another user is another credential.
  expect(await htpasswd.identify('bob', alice?.credential ?? '')).toBeUndefined();
  for (const wrong of ['Right', 'right ', '', 'right\0']) {
    expect(await htpasswd.authenticate(credentials(wrong))).toBeUndefined();
  }
  expect(await htpasswd.authenticate(credentials('right', 'ALICE'))).toBeUndefined();
  expect(await htpasswd.authenticate(credentials('right'), { isHidden: true })).toBeUndefined();
});

test('a changed file counts within a second: a new password ends what was given for the old one', async () => {
  const { htpasswd, clock, told, path } = await start(await line('alice', 'old'));
  const old = await htpasswd.authenticate(credentials('old'));
  writeFileSync(path, await line('alice', 'new'));
  clock.nowMs += 999;
  expect(await htpasswd.authenticate(credentials('old'))).toEqual(old);
  clock.nowMs += 1;
  expect(await htpasswd.authenticate(credentials('old'))).toBeUndefined();
  expect(await htpasswd.identify('alice', old?.credential ?? '')).toBeUndefined();
  expect(await htpasswd.authenticate(credentials('new'))).toMatchObject({ id: 'alice' });
  expect(told).toEqual([`htpasswd file read again ${JSON.stringify({ path, users: 1 })}`]);
});

test('a file that is put in the place of the one before is seen, through a symbolic link, too', async () => {
  writeFileSync(join(directory, 'one'), '');
  symlinkSync('one', join(directory, 'link'));
  const { htpasswd, clock } = await start(await line('alice', 'one'), join(directory, 'link'));
  writeFileSync(join(directory, 'two'), await line('alice', 'two'));
  symlinkSync('two', join(directory, 'next'));
  renameSync(join(directory, 'next'), join(directory, 'link'));
  clock.nowMs += 1000;
  expect(await htpasswd.authenticate(credentials('one'))).toBeUndefined();
  expect(await htpasswd.authenticate(credentials('two'))).toBeDefined();
});

test('of a file that becomes bad or goes away the log is told once, and the last good one goes on', async () => {
  const { htpasswd, clock, told, write, path } = await start(await line('alice', 'right'));
  write(`${await line('alice', 'other')}bob:plain\n`);
  for (let i = 0; i < 3; i++) {
    expect(await htpasswd.authenticate(credentials('right'))).toBeDefined();
    clock.nowMs += 1000;
  }
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/^htpasswd file is not good: the last good one goes on .*Line 2 of .* has no bcrypt hash/);
  rmSync(path);
  clock.nowMs += 1000;
  expect(await htpasswd.authenticate(credentials('right'))).toBeDefined();
  expect(told[1]).toMatch(/ENOENT/);
  write(await line('alice', 'other'));
  expect(await htpasswd.authenticate(credentials('right'))).toBeUndefined();
  expect(await htpasswd.authenticate(credentials('other'))).toBeDefined();
});

test('a file that cannot be read when it is loaded is refused with its name', async () => {
  const log = { info: free, warn: free };
  const htpasswd = createHtpasswd({ path: join(directory, 'missing'), log });
  await expect(htpasswd.load(free)).rejects.toThrow(
    /^The file that htpasswd names cannot be read: ENOENT.*missing'\.$/,
  );
});

test('a name that is not there takes as long as a wrong password, whatever its hash costs', async () => {
  const { htpasswd } = await start(await line('alice', 'right', 8));
  const quickest = async (username: string, isHidden = false) => {
    let ms = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 4; i++) {
      const startedMs = performance.now();
      await htpasswd.authenticate(credentials('wrong', username), { isHidden });
      ms = Math.min(ms, performance.now() - startedMs);
    }
    return ms;
  };
  const known = await quickest('alice');
  // The quickest of each, since a busy machine only ever adds; without a hash it would be a hundredth.
  expect(await quickest('nobody')).toBeGreaterThan(known / 2);
  expect(await quickest('alice', true)).toBeGreaterThan(known / 2);
});
