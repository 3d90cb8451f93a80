import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createUploadMemory, uploadsFile } from './upload-memory.ts';

const key = { origin: 'https://hub.example.com', repository: 'a/b', digest: 'sha256:00' };
const dayMs = 24 * 60 * 60 * 1000;

function makeFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-memory-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, 'deep/uploads.json');
}

test('a session is found again by the next run, for a week', async () => {
  const file = makeFile();
  let nowMs = 0;
  await createUploadMemory(file, () => nowMs).remember(key, 'https://hub.example.com/v2/x');
  const next = createUploadMemory(file, () => nowMs);
  expect(await next.find(key)).toBe('https://hub.example.com/v2/x');
  expect(await next.find({ ...key, repository: 'a/c' })).toBe(undefined);
  nowMs = 8 * dayMs;
  expect(await next.find(key)).toBe(undefined);
  await next.remember({ ...key, repository: 'a/c' }, 'https://hub.example.com/v2/y');
  expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')).uploads)).toEqual([
    'https://hub.example.com/a/c@sha256:00',
  ]);
});

test('notes that are made at once all stay', async () => {
  const memory = createUploadMemory(makeFile());
  const keys = ['a', 'b', 'c', 'd'].map((repository) => ({ ...key, repository }));
  await Promise.all(keys.map((one) => memory.remember(one, `https://hub.example.com/${one.repository}`)));
  expect(await Promise.all(keys.map((one) => memory.find(one)))).toEqual(
    keys.map((one) => `https://hub.example.com/${one.repository}`),
  );
  await memory.forget(key);
  await memory.forget(keys[0] ?? key);
  expect(await memory.find(keys[0] ?? key)).toBe(undefined);
});

test('a file that others wrote, and one that cannot be written, are as if there was none', async () => {
  const file = makeFile();
  const memory = createUploadMemory(file);
  await memory.remember(key, 'https://hub.example.com/v2/x');
  for (const text of [
    '',
    'null',
    '{"uploads":{"x":null}}',
    '{"uploads":{"https://hub.example.com/a/b@sha256:00":{"url":"no","usedMs":1}}}',
  ]) {
    writeFileSync(file, text);
    expect(await memory.find(key)).toBe(undefined);
  }
  const nowhere = createUploadMemory('/dev/null/uploads.json');
  await nowhere.remember(key, 'https://hub.example.com/v2/x');
  expect(await nowhere.find(key)).toBe(undefined);
});

test('the file lies in the cache of its user', () => {
  expect(uploadsFile({ XDG_CACHE_HOME: '/cache', HOME: '/home/ann' })).toBe('/cache/moorage/uploads.json');
  expect(uploadsFile({ HOME: '/home/ann' })).toBe('/home/ann/.cache/moorage/uploads.json');
});
