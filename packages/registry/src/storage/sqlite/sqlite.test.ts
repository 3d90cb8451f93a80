import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { parseRepositoryName } from '../../oci/name.ts';
import { metadataStoreContract } from '../../testing/metadata-store.ts';
import { migrations } from '../sql/migrations.ts';
import { sqlite } from './sqlite.ts';

async function withDirectory<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'moorage-sqlite-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

describe('in memory', () => {
  const cases = metadataStoreContract(async () => ({
    store: sqlite({ file: ':memory:' }),
    close: async () => undefined,
  }));
  for (const { name, run } of cases) test(name, run);
});

describe.concurrent('in a file', () => {
  const cases = metadataStoreContract(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'moorage-sqlite-'));
    return { store: sqlite({ file: join(directory, 'registry.db') }), close: () => rm(directory, { recursive: true }) };
  });
  for (const { name, run } of cases) test(name, run);
});

const push = { by: 'alice', nowMs: 1, visibility: 'private', artifactType: undefined } as const;

test('what was acknowledged is there when the file is opened again', () =>
  withDirectory(async (directory) => {
    const file = join(directory, 'registry.db');
    const name = parseRepositoryName('acme/web');
    const first = sqlite({ file });
    await first.mountBlob({
      ...push,
      repository: { id: undefined, name },
      fromRepositoryId: 7,
      digest: `sha256:${'a'.repeat(64)}` as never,
      leaseUntilMs: 1,
    });
    expect(await first.findRepository(name)).toBeUndefined();
    await first.putSmallBlob({
      ...push,
      repository: { id: undefined, name },
      digest: `sha256:${'a'.repeat(64)}` as never,
      bytes: new Uint8Array(3),
      leaseUntilMs: 1,
    });
    await first.close();
    const second = sqlite({ file });
    expect(await second.findRepository(name)).toMatchObject({ name, createdBy: 'alice' });
    await second.close();
  }));

test('the file, which holds keys, and what lies beside it are for their owner alone', () =>
  withDirectory(async (directory) => {
    const file = join(directory, 'registry.db');
    const store = sqlite({ file });
    await store.addKey({ key: { id: 'key', privateJwk: '{}', createdMs: 1 }, isFirst: true });
    const paths = [file, `${file}-wal`, `${file}-shm`];
    const modes = await Promise.all(paths.map(async (path) => (await stat(path)).mode & 0o777));
    expect(modes).toEqual([0o600, 0o600, 0o600]);
    await store.close();
  }));

test('the writer flushes each commit and leaves checkpoints to quiet moments', () =>
  withDirectory(async (directory) => {
    const file = join(directory, 'registry.db');
    const store = sqlite({ file });
    await store.ready();
    const other = new DatabaseSync(file);
    expect(other.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' });
    other.close();
    await store.close();
  }));

test('a database of a newer program is refused before anything in it is touched', () =>
  withDirectory(async (directory) => {
    const file = join(directory, 'registry.db');
    const newer = new DatabaseSync(file);
    newer.exec(`pragma user_version = ${migrations.length + 1}`);
    newer.close();
    const store = sqlite({ file });
    await expect(store.ready()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('newer'),
    });
    await store.close();
    const untouched = new DatabaseSync(file);
    expect(untouched.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'delete' });
    expect(untouched.prepare('select count(*) as count from sqlite_master').get()).toEqual({ count: 0 });
    untouched.close();
  }));

test('a file that is no database is refused with a sentence that names it', () =>
  withDirectory(async (directory) => {
    const store = sqlite({ file: directory });
    await expect(store.ready()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(directory),
    });
    await store.close();
  }));

test('two stores on one file make its tables once and see what the other committed', () =>
  withDirectory(async (directory) => {
    const file = join(directory, 'registry.db');
    const stores = [sqlite({ file }), sqlite({ file })] as const;
    await Promise.all(stores.map((store) => store.ready()));
    const name = parseRepositoryName('acme/web');
    await stores[0].putSmallBlob({
      ...push,
      repository: { id: undefined, name },
      digest: `sha256:${'b'.repeat(64)}` as never,
      bytes: new Uint8Array(3),
      leaseUntilMs: 1,
    });
    expect(await stores[1].findRepository(name)).toMatchObject({ name });
    await Promise.all(stores.map((store) => store.close()));
  }));

test('a store that could not open does when what kept it from that is put right', () =>
  withDirectory(async (directory) => {
    const inTheWay = join(directory, 'data');
    await writeFile(inTheWay, '');
    const store = sqlite({ file: join(inTheWay, 'registry.db') });
    await expect(store.ready()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(inTheWay),
    });
    await rm(inTheWay);
    await store.ready();
    await store.close();
  }));
