import { expect, test } from 'vitest';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import { createAccessTokens, isAccessTokenSecret } from './access-tokens.ts';
import { parseNamePattern } from './scope.ts';

const daySeconds = 86_400;
const request = {
  kind: 'user',
  identity: 'alice',
  pattern: parseNamePattern('acme/*'),
  actions: ['pull', 'push'],
  ttlSeconds: daySeconds,
} as const;

function open() {
  let nowMs = Date.UTC(2026, 0, 1);
  const store = sqlite({ file: ':memory:' });
  const tokens = createAccessTokens(store, { now: () => nowMs });
  const advance = (ms: number) => {
    nowMs += ms;
  };
  return { store, tokens, advance };
}

test('a secret finds its token, with its list and its times', async () => {
  const { tokens } = open();
  const { id, secret } = await tokens.create(request);
  const found = await tokens.findBySecret(secret);
  const { ttlSeconds, ...list } = request;
  const createdMs = Date.UTC(2026, 0, 1);
  expect(found).toEqual({
    id,
    ...list,
    createdMs,
    expiresMs: createdMs + ttlSeconds * 1000,
    secretHash: expect.any(Uint8Array),
  });
  expect(await tokens.find(id)).toEqual(found);
  expect(await tokens.list('user')).toEqual([found]);
  expect(await tokens.list('robot')).toEqual([]);
});

test('a secret is safe in shells and URLs, has 256 random bits beside its id, and is not kept', async () => {
  const { tokens } = open();
  const made = await Promise.all(Array.from({ length: 50 }, () => tokens.create(request)));
  for (const { id, secret } of made) {
    expect(secret).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(isAccessTokenSecret(secret)).toBe(true);
    const part = secret.slice(`moorage_${id}_`.length);
    expect(Buffer.from(part, 'base64url')).toHaveLength(32);
    const kept = JSON.stringify(await tokens.find(id));
    expect(kept).not.toContain(part);
  }
  expect(new Set(made.map(({ secret }) => secret)).size).toBe(50);
});

test('any other secret finds nothing: one changed, cut, with another id, in another case', async () => {
  const { tokens } = open();
  const [first, second] = [await tokens.create(request), await tokens.create(request)];
  const { secret, id } = first;
  const other = secret.at(-2) === 'A' ? 'B' : 'A';
  for (const wrong of [
    `${secret.slice(0, -2)}${other}${secret.slice(-1)}`,
    secret.slice(0, -1),
    `${secret}A`,
    secret.replace(id, second.id),
    secret.replace(id, id.toUpperCase()),
    secret.replace('moorage_', ''),
    `moorage_${id}_`,
    ` ${secret}`,
    '',
    'password',
  ]) {
    expect([wrong, await tokens.findBySecret(wrong)]).toEqual([wrong, undefined]);
  }
});

test('a token ends at its time, and is listed still', async () => {
  const { tokens, advance } = open();
  const { id, secret } = await tokens.create(request);
  advance(daySeconds * 1000 - 1);
  expect(await tokens.findBySecret(secret)).toBeDefined();
  advance(1);
  expect(await tokens.findBySecret(secret)).toBeUndefined();
  expect(await tokens.find(id)).toBeUndefined();
  expect(await tokens.list('user')).toMatchObject([{ id }]);
});

test('a revoked token is refused at once, by whatever process it was revoked', async () => {
  const { store, tokens } = open();
  const { id, secret } = await tokens.create(request);
  expect(await tokens.findBySecret(secret)).toBeDefined();
  expect(await createAccessTokens(store).revoke(id)).toBe(true);
  expect(await tokens.findBySecret(secret)).toBeUndefined();
  expect(await tokens.revoke(id)).toBe(false);
});

test("a robot's name is its own, and can be had again once it is gone", async () => {
  const { tokens } = open();
  const robot = { ...request, kind: 'robot', identity: 'robot+ci' } as const;
  const { id } = await tokens.create(robot);
  await expect(tokens.create(robot)).rejects.toMatchObject({ code: 'in-use' });
  await tokens.revoke(id);
  expect(await tokens.create(robot)).toBeDefined();
});
