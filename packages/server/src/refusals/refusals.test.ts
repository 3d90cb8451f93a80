import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openRefusals } from './database.ts';
import { keepRefusals } from './keep-refusals.ts';
import { type Refusal, refusalOf } from './refusal.ts';

const dayMs = 86_400_000;
const denied = Object.assign(new Error('alice may not push to acme/web.'), { code: 'DENIED' });
const report = {
  ...{ requestId: 'a'.repeat(32), method: 'POST', target: '/v2/acme/web/blobs/uploads/', status: 403 },
  ...{ durationMs: 1, identity: 'alice', address: '10.0.0.1', error: denied },
};

function makeFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-refusals-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'refusals.db');
}

test('of a refusal who, what and why are remembered, and of a query only what names rights or content', () => {
  const target = '/v2/token?scope=repository:a:pull&password=hunter2&access_token=eyJ&service=hub';
  expect(refusalOf({ ...report, target }, 5)).toEqual({
    ...{ requestId: 'a'.repeat(32), atMs: 5, method: 'POST', status: 403, code: 'DENIED' },
    ...{ message: 'alice may not push to acme/web.', identity: 'alice', address: '10.0.0.1' },
    ...{ failedName: undefined, target: '/v2/token?scope=repository:a:pull&service=hub' },
  });
  const login = Object.assign(new Error('x'), { code: 'UNAUTHORIZED', username: 'bob', password: 'hunter2' });
  const failed = refusalOf({ ...report, status: 401, error: login }, 5);
  expect(failed).toMatchObject({ failedName: 'bob' });
  expect(JSON.stringify(failed)).not.toContain('hunter2');
});

test('a fault of the inside is not remembered in its words', () => {
  const error = Object.assign(new Error('/data/secret is gone'), { code: 'ENOENT' });
  expect(refusalOf({ ...report, status: 500, error }, 5)).toMatchObject({ code: 'ENOENT', message: /^The log/ });
});

test.each([
  ['what was answered', { status: 200, error: undefined }],
  ['the question whether something is there', { method: 'HEAD', status: 404 }],
  ['the challenge that every client begins with', { status: 401, error: new Error('Log in first.') }],
])('%s is not remembered', (_, change) => {
  expect(refusalOf({ ...report, ...change }, 5)).toBeUndefined();
});

test('refusals are found by another connection; those older than seven days and beyond 10,000 are gone', () => {
  const file = makeFile();
  const writer = openRefusals(file);
  const base = refusalOf(report, 0) as Refusal;
  const make = (id: string, atMs: number): Refusal => ({ ...base, requestId: id, atMs });
  writer.append([make('old', 0), make('kept', 2 * dayMs)], 8 * dayMs);
  const reader = openRefusals(file);
  expect(reader.find('old')).toBeUndefined();
  expect(reader.find('kept')).toEqual(JSON.parse(JSON.stringify(make('kept', 2 * dayMs))));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  writer.append(
    Array.from({ length: 10_000 }, (_, index) => make(`r${index}`, 8 * dayMs)),
    8 * dayMs,
  );
  expect(reader.find('kept')).toBeUndefined();
  expect(reader.find('r0')).toBeDefined();
  writer.close();
  reader.close();
});

test('a keeper writes later, takes no more than 500 at once, and tells once where it cannot write', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const file = makeFile();
  const warn = vi.fn();
  const keeper = keepRefusals({ file, log: { warn } });
  for (let index = 0; index < 600; index += 1) keeper.seeRequest({ ...report, requestId: `id-${index}` });
  vi.advanceTimersByTime(250);
  const reader = openRefusals(file);
  expect([reader.find('id-0')?.identity, reader.find('id-499')?.identity, reader.find('id-500')]).toEqual([
    'alice',
    'alice',
    undefined,
  ]);
  keeper.seeRequest({ ...report, requestId: 'last' });
  keeper.close();
  expect(reader.find('last')).toBeDefined();
  reader.close();
  const broken = keepRefusals({ file: join(file, 'nowhere'), log: { warn } });
  for (let tries = 0; tries < 3; tries += 1) {
    broken.seeRequest(report);
    vi.advanceTimersByTime(250);
  }
  expect(warn).toHaveBeenCalledTimes(1);
});
