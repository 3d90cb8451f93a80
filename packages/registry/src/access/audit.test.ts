import { expect, test } from 'vitest';
import type { AccessStore, AuditEntry } from '../storage/access-records.ts';
import { createAudit } from './audit.ts';

const entry = (about: string) =>
  ({ identity: 'alice', address: undefined, act: 'push', isAllowed: true, repository: undefined, about }) as const;

/** An audit over a store whose writes end when a test lets them. */
function open() {
  const writes: { readonly about: readonly (string | undefined)[]; end(error?: Error): void }[] = [];
  const errors: unknown[] = [];
  const appendAudit = ({ entries }: { readonly entries: readonly AuditEntry[] }) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    writes.push({
      about: entries.map(({ about }) => about),
      end: (error) => (error === undefined ? resolve() : reject(error)),
    });
    return promise;
  };
  const store = { appendAudit } as Pick<AccessStore, 'appendAudit'> as AccessStore;
  return { writes, errors, audit: createAudit(store, { now: () => 7, onError: (error) => errors.push(error) }) };
}

test('a line is written at once, and those that come meanwhile together after it', async () => {
  const { audit, writes } = open();
  for (const about of ['a', 'b', 'c']) audit.record(entry(about));
  expect(writes.map(({ about }) => about)).toEqual([['a']]);
  writes[0]?.end();
  await Promise.resolve();
  await expect.poll(() => writes.map(({ about }) => about)).toEqual([['a'], ['b', 'c']]);
  let isSettled = false;
  const settling = audit.settled().then(() => {
    isSettled = true;
  });
  expect(isSettled).toBe(false);
  writes[1]?.end();
  await settling;
  audit.record(entry('d'));
  expect(writes[2]?.about).toEqual(['d']);
});

test('a write that fails is told, and the next one goes on', async () => {
  const { audit, writes, errors } = open();
  audit.record(entry('a'));
  audit.record(entry('b'));
  const failure = new Error('planted');
  writes[0]?.end(failure);
  await expect.poll(() => writes.length).toBe(2);
  writes[1]?.end();
  await audit.settled();
  expect(errors).toEqual([failure]);
});
