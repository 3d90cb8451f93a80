import { mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../oci/digest.ts';
import { parseRepositoryName } from '../../oci/name.ts';
import { sqlite, sqliteCheck } from './sqlite.ts';

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'moorage-check-'));
  file = join(directory, 'registry.db');
  const store = sqlite({ file });
  const repository = { id: undefined, name: parseRepositoryName('acme/web') };
  const push = { repository, visibility: 'private', by: undefined, nowMs: 1, leaseUntilMs: 1 } as const;
  const blobs = Array.from({ length: 20 }, (_, n) => new Uint8Array(10_000).fill(n));
  for (const bytes of blobs) await store.putSmallBlob({ ...push, bytes, digest: digestOf(bytes, 'sha256') });
  await store.close();
});
afterEach(() => rm(directory, { recursive: true }));

async function damageOf(isQuick = false): Promise<readonly string[]> {
  const check = sqliteCheck({ file });
  try {
    return await check.findDamage({ isQuick });
  } finally {
    await check.close();
  }
}

/** Writes over a part of the file. */
async function overwrite(atByte: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(bytes, 0, bytes.byteLength, atByte);
  await handle.close();
}

test('a whole database has no damage', async () => {
  expect(await damageOf()).toEqual([]);
  expect(await damageOf(true)).toEqual([]);
});

test.each([
  [
    'is cut in half',
    async () => truncate(file, Math.floor((await stat(file)).size / 2 / 4096) * 4096),
    'torn, missing',
  ],
  ['is cut within a page', async () => truncate(file, (await stat(file)).size - 1000), 'cut within a page'],
  ['is cut within its header', () => truncate(file, 50), 'torn, missing'],
  ['is empty', () => truncate(file, 0), 'empty'],
  ['has a torn header', () => overwrite(0, new Uint8Array(512)), 'not a database'],
  ['is no database at all', () => writeFile(file, 'a letter to a friend\n'.repeat(1000)), 'not a database'],
  ['has a torn page', async () => overwrite(4096 * 3, new Uint8Array(512).fill(0xff)), ''],
])('damage is told of a database that %s, with and without a quick look', async (_, damage, said) => {
  await damage();
  for (const isQuick of [false, true]) {
    const sentences = await damageOf(isQuick);
    expect(sentences.join('\n')).toContain(said);
    expect(sentences.length).toBeGreaterThan(0);
  }
});

test('an index that does not fit its table is told, but not in a quick look', async () => {
  const database = new DatabaseSync(file, { defensive: false });
  database.exec(`pragma writable_schema = on;
    update sqlite_schema set sql = replace(sql, '(digest)', '(size_bytes)') where name = 'blobs_live'`);
  database.close();
  expect((await damageOf()).join('\n')).toContain('blobs_live');
  expect(await damageOf(true)).toEqual([]);
});

test.each([
  [999, 'a newer Moorage wrote it'],
  [0, 'Start the server once'],
])('a database of version %i cannot be looked at, and stays as it is', async (version, said) => {
  const database = new DatabaseSync(file);
  database.exec(`pragma user_version = ${version}`);
  database.close();
  const before = await readFile(file);
  await expect(damageOf()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(said) });
  expect(await readFile(file)).toEqual(before);
});

test('a file that is not there is unavailable, and is not made', async () => {
  await rm(file);
  await expect(damageOf()).rejects.toMatchObject({ code: 'unavailable' });
  await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
});
