import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import type { AccessStore } from '../storage/access-records.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import { createKeys, type Keys } from './keys.ts';

/** Ids that say which process made a key, and in which order. */
function open(store: AccessStore, process = 'a'): Keys {
  let made = 0;
  return createKeys(store, {
    now: () => 0,
    randomId() {
      made += 1;
      return `${process}${made}`;
    },
  });
}

const ids = async (keys: Keys) => (await keys.jwks()).keys.map(({ kid }) => kid);

test('a key is made at its first use and not before, and stays', async () => {
  const keys = open(sqlite({ file: ':memory:' }));
  expect(await keys.jwks()).toEqual({ keys: [] });
  expect((await keys.current()).id).toBe('a1');
  expect((await keys.current()).id).toBe('a1');
  expect(await ids(keys)).toEqual(['a1']);
});

test('two processes that start at once, on one file, use the same key', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'moorage-keys-'));
  const stores = ['a', 'b'].map(() => sqlite({ file: join(directory, 'registry.db') }));
  try {
    await Promise.all(stores.map((store) => store.ready()));
    const processes = stores.map((store, at) => open(store, at === 0 ? 'a' : 'b'));
    const found = await Promise.all(processes.flatMap((keys) => [keys.current(), keys.current()]));
    expect(new Set(found.map(({ id }) => id)).size).toBe(1);
    const published = await Promise.all(processes.map((keys) => keys.jwks()));
    expect(published[0]).toEqual(published[1]);
  } finally {
    await Promise.all(stores.map((store) => store.close()));
    await rm(directory, { recursive: true });
  }
});

test('after a rotation the key before is accepted still, and older ones no longer', async () => {
  const store = sqlite({ file: ':memory:' });
  const keys = open(store);
  await keys.current();
  await keys.rotate();
  expect((await keys.current()).id).toBe('a2');
  expect(await ids(keys)).toEqual(['a2', 'a1']);
  await keys.rotate();
  expect(await ids(keys)).toEqual(['a3', 'a2']);
  expect(await keys.findPublic('a1')).toBeUndefined();
  expect(await keys.findPublic('a2')).toBeDefined();
});

test('a rotation by another process counts at the next use', async () => {
  const store = sqlite({ file: ':memory:' });
  const [server, command] = [open(store, 'server'), open(store, 'command')];
  await server.current();
  await command.rotate();
  expect((await server.current()).id).toBe('command1');
  expect(await server.findPublic('server1')).toBeDefined();
  await command.rotate();
  expect(await server.findPublic('server1')).toBeUndefined();
});

test('a rotation where there is no key makes one', async () => {
  const keys = open(sqlite({ file: ':memory:' }));
  await keys.rotate();
  expect(await ids(keys)).toEqual(['a1']);
});

test('what is published is public: no private part, and what a verifier needs to know', async () => {
  const store = sqlite({ file: ':memory:' });
  const keys = open(store);
  await keys.current();
  const [record] = await store.listKeys();
  expect(JSON.parse(String(record?.privateJwk))).toHaveProperty('d');
  expect((await keys.jwks()).keys).toEqual([
    { kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: 'a1', use: 'sig', alg: 'EdDSA' },
  ]);
});

test('a public key found by its id verifies and cannot sign', async () => {
  const keys = open(sqlite({ file: ':memory:' }));
  const { id } = await keys.current();
  const key = await keys.findPublic(id);
  expect(key).toMatchObject({ type: 'public', usages: ['verify'] });
  const sign = new SignJWT({}).setProtectedHeader({ alg: 'EdDSA' });
  await expect(sign.sign(key as CryptoKey)).rejects.toThrow();
  for (const other of ['', 'a2', 'A1', '__proto__']) expect(await keys.findPublic(other)).toBeUndefined();
});
