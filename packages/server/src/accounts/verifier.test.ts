import { expect, test } from 'vitest';
import { createVerifier } from './verifier.ts';

const claim = { username: 'alice', password: 'right', passwordHash: 'hash of right' };

/** A verifier whose clock the test sets, and the passwords that it worked out. */
function start() {
  const clock = { nowMs: 0 };
  const worked: string[] = [];
  const verify = createVerifier({
    now: () => clock.nowMs,
    async matches(passwordHash, password) {
      worked.push(password);
      return passwordHash === `hash of ${password}`;
    },
  });
  return { clock, worked, verify };
}

test('a good claim is worked out once in 60 s', async () => {
  const { clock, worked, verify } = start();
  for (const nowMs of [0, 1, 59_999]) {
    clock.nowMs = nowMs;
    expect(await verify(claim)).toBe(true);
  }
  expect(worked).toHaveLength(1);
  clock.nowMs = 60_000;
  expect(await verify(claim)).toBe(true);
  expect(worked).toHaveLength(2);
});

test('equal claims that come at once are worked out once', async () => {
  const { worked, verify } = start();
  expect(await Promise.all([verify(claim), verify(claim), verify(claim)])).toEqual([true, true, true]);
  expect(worked).toHaveLength(1);
});

test('a claim that is not good is never remembered', async () => {
  const { worked, verify } = start();
  for (let i = 0; i < 3; i++) expect(await verify({ ...claim, password: 'wrong' })).toBe(false);
  expect(worked).toHaveLength(3);
});

test('another user, another password or another hash in the row is another claim', async () => {
  const { worked, verify } = start();
  await verify(claim);
  expect(await verify({ ...claim, username: 'bob' })).toBe(true);
  expect(await verify({ ...claim, password: 'wrong' })).toBe(false);
  expect(await verify({ ...claim, passwordHash: 'hash of new' })).toBe(false);
  expect(worked).toHaveLength(4);
});

test('a failure to work it out is told and not remembered', async () => {
  let calls = 0;
  const verify = createVerifier({
    matches: () => (++calls === 1 ? Promise.reject(new Error('no memory')) : Promise.resolve(true)),
  });
  await expect(verify(claim)).rejects.toThrow('no memory');
  expect(await verify(claim)).toBe(true);
});
