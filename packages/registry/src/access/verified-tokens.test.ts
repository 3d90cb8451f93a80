import { execFile } from 'node:child_process';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import { createKeys } from './keys.ts';
import { createTokens } from './tokens.ts';
import { UnauthorizedError } from './unauthorized.ts';
import { rememberVerified, type VerifiedToken } from './verified-tokens.ts';

const claims = { identity: 'alice', scopes: [], accessToken: undefined, issuedMs: 0 };

/** A memory over a check that is counted; tests move the clock and the keys. */
function open() {
  const state = { checks: 0, nowMs: 1_000, keys: new Set(['k1']), isGood: true };
  const verify = async (): Promise<VerifiedToken> => {
    state.checks += 1;
    if (!state.isGood) throw new UnauthorizedError('no');
    return { claims, isKeyKept: async () => state.keys.has('k1'), fromMs: 500, untilMs: 2_000 };
  };
  const find = rememberVerified({ verify, now: () => state.nowMs });
  return { state, find };
}

test('a token that was good is checked once, and another one by itself', async () => {
  const { state, find } = open();
  expect(await find('a')).toBe(claims);
  expect(await find('a')).toBe(claims);
  expect(state.checks).toBe(1);
  await find('a ');
  expect(state.checks).toBe(2);
});

test.each([
  ['its time has passed', { nowMs: 2_000 }],
  ['the clock was put back before its time', { nowMs: 499 }],
  ['its key does not count any more', { keys: new Set<string>() }],
])('it is checked anew, and refused, when %s', async (_, change) => {
  const { state, find } = open();
  await find('a');
  Object.assign(state, change, { isGood: false });
  await expect(find('a')).rejects.toThrow(UnauthorizedError);
  expect(state.checks).toBe(2);
});

test('a token that was refused is not remembered', async () => {
  const { state, find } = open();
  state.isGood = false;
  await expect(find('a')).rejects.toThrow(UnauthorizedError);
  state.isGood = true;
  expect(await find('a')).toBe(claims);
});

const rotateTwice = `
  import { sqlite } from ${JSON.stringify(new URL('../storage/sqlite/sqlite.ts', import.meta.url).href)};
  import { createKeys } from ${JSON.stringify(new URL('./keys.ts', import.meta.url).href)};
  const store = sqlite({ file: process.argv[2] });
  const keys = createKeys(store, { now: Date.now, randomId: () => crypto.randomUUID() });
  for (let i = 0; i < Number(process.argv[3]); i++) await keys.rotate();
  await store.close();
`;

test('another process that takes the key back ends tokens which were good a moment ago', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'moorage-tokens-'));
  const file = join(directory.path, 'registry.db');
  const program = join(directory.path, 'rotate.ts');
  await writeFile(program, rotateTwice);
  const rotate = (times: number) =>
    promisify(execFile)(process.execPath, ['-C', 'moorage-source', program, file, String(times)]);
  const store = sqlite({ file });
  const sources = { now: Date.now, randomId: () => crypto.randomUUID() };
  const tokens = createTokens(createKeys(store, sources), { service: 'hub.example', ttlSeconds: 300 }, sources);
  const { token } = await tokens.issue({ identity: 'alice', scopes: [], accessToken: undefined });

  expect(await tokens.verify(token)).toMatchObject({ identity: 'alice' });
  await rotate(1);
  expect(await tokens.verify(token)).toMatchObject({ identity: 'alice' });
  await rotate(1);
  await expect(tokens.verify(token)).rejects.toThrow('The token is not one of this registry.');
  await store.close();
});
