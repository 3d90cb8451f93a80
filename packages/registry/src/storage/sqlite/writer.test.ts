import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import type { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../oci/digest.ts';
import { pushTo } from '../../testing/metadata-store/builders.ts';
import { compileForSqlite } from '../sql/compile.ts';
import { startWriter } from './writer.ts';
import type { Writer } from './writer-calls.ts';

const statements = compileForSqlite();

/** Takes the n-th lease, which is free. */
const leaseInput = (n: number) => [{ name: `lease ${n}`, holder: 'alice', nowMs: 1, untilMs: 2 }] as const;

const take = (writer: Writer, n: number) => writer.run('acquireLease', leaseInput(n));

const oneTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i + 1);

/** As much as a small blob may be: the n-th content of 16 KiB. */
function putBlob(writer: Writer, n: number): Promise<unknown> {
  const bytes = new Uint8Array(16 * 1024);
  new DataView(bytes.buffer).setUint32(0, n);
  return writer.run('putSmallBlob', [
    { ...pushTo('acme/web'), digest: digestOf(bytes, 'sha256'), bytes, leaseUntilMs: 1 },
  ]);
}

/** Runs `work` with a writer on a new file and another connection to it. */
async function withWriter(
  work: (opened: { writer: Writer; other: DatabaseSync; file: string }) => Promise<void>,
): Promise<void> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'moorage-writer-'));
  const file = join(directory.path, 'registry.db');
  const writer = await startWriter(file, Promise.resolve(statements));
  const other = new DatabaseSync(file);
  try {
    await work({ writer, other, file });
  } finally {
    other.close();
    await writer.close();
  }
}

/** How many transactions stand in the log, which must not have begun again: the last frame of each says how large the database is after it (https://sqlite.org/fileformat2.html#walformat). */
function countCommits(file: string): number {
  const log = readFileSync(`${file}-wal`);
  const frameBytes = 24 + log.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at + frameBytes <= log.length; at += frameBytes) if (log.readUInt32BE(at + 4) > 0) commits += 1;
  return commits;
}

function countLeases(database: DatabaseSync): unknown {
  return database.prepare('select count(*) as count from leases').get()?.['count'];
}

function pagesInLog(database: DatabaseSync): unknown {
  return database.prepare('pragma wal_checkpoint(noop)').get()?.['log'];
}

test('commands that are given at once are one transaction', () =>
  withWriter(async ({ writer, other, file }) => {
    await take(writer, 1);
    const before = countCommits(file);
    await Promise.all(oneTo(200).map((n) => take(writer, n + 1)));
    expect(countCommits(file) - before).toBe(1);
    expect(countLeases(other)).toBe(201);
  }));

test('an answer comes after the commit: another connection sees what it is about', () =>
  withWriter(async ({ writer, other }) => {
    const isThere = other.prepare('select count(*) as count from leases where name = ?');
    await Promise.all(
      oneTo(50).map(async (n) => {
        await take(writer, n);
        expect(isThere.get(`lease ${n}`)).toEqual({ count: 1 });
        await take(writer, n + 50);
        expect(isThere.get(`lease ${n + 50}`)).toEqual({ count: 1 });
      }),
    );
  }));

test('a refusal and a bug reach the caller as what they are, and the writer goes on', () =>
  withWriter(async ({ writer }) => {
    const results = await Promise.allSettled([
      take(writer, 1),
      writer.run('saveUpload', [{ session: 'none', epoch: 1, nowMs: 1 }]),
      writer.run('saveUpload', []),
      take(writer, 2),
    ]);
    expect(results).toMatchObject([
      { value: true },
      { reason: { name: 'StorageError', code: 'not-found' } },
      { reason: { name: 'Error', message: expect.stringContaining('destructure') } },
      { value: true },
    ]);
    expect(() => writer.check()).not.toThrow();
  }));

test('a command waits while another connection writes, and is done once that one ended', () =>
  withWriter(async ({ writer, other }) => {
    other.exec('begin immediate');
    const waiting = take(writer, 1);
    expect(countLeases(other)).toBe(0);
    other.exec('commit');
    expect(await waiting).toBe(true);
    expect(countLeases(other)).toBe(1);
  }));

test('close finishes what was given; what comes later is refused', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'moorage-writer-'));
  const file = join(directory.path, 'registry.db');
  const writer = await startWriter(file, Promise.resolve(statements));
  const given = oneTo(100).map((n) => take(writer, n));
  await writer.close();
  expect(await Promise.all(given)).toEqual(oneTo(100).map(() => true));
  await expect(take(writer, 101)).rejects.toMatchObject({ code: 'unavailable' });
  expect(() => writer.check()).toThrow(expect.objectContaining({ code: 'unavailable' }));
  await writer.close();
  const database = new DatabaseSync(file);
  expect(countLeases(database)).toBe(100);
  database.close();
});

test('a thread that ends by itself refuses all that wait and all that come later', () =>
  withWriter(async ({ other, file }) => {
    const started = once(process, 'worker') as Promise<[Worker]>;
    const dying = await startWriter(file, Promise.resolve(statements));
    const [thread] = await started;
    // The lock keeps the commands waiting in the thread until it has been told to end.
    other.exec('begin immediate');
    const waiting = Promise.allSettled([take(dying, 1), take(dying, 2)]);
    await Promise.resolve();
    const ended = thread.terminate();
    other.exec('commit');
    await ended;
    expect(await waiting).toMatchObject([{ reason: { code: 'unavailable' } }, { reason: { code: 'unavailable' } }]);
    await expect(take(dying, 3)).rejects.toMatchObject({ code: 'unavailable' });
    expect(() => dying.check()).toThrow(expect.objectContaining({ code: 'unavailable' }));
    await dying.close();
    expect(countLeases(other)).toBe(0);
  }));

test('a database that cannot be opened is refused, also where the thread finds out while statements are being compiled', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'moorage-writer-'));
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  const compiled = Promise.withResolvers<typeof statements>();
  const started = once(process, 'worker') as Promise<[Worker]>;
  const starting = startWriter(directory.path, compiled.promise);
  const refused = expect(starting).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining(directory.path),
  });
  const [thread] = await started;
  await once(thread, 'exit');
  // Unhandled rejections are told between two turns of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  compiled.resolve(statements);
  await refused;
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

test('statements that cannot be compiled end the thread', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'moorage-writer-'));
  const started = once(process, 'worker') as Promise<[Worker]>;
  const starting = startWriter(join(directory.path, 'registry.db'), Promise.reject(new Error('planted')));
  await expect(starting).rejects.toThrow('planted');
  const [thread] = await started;
  expect(thread.threadId).toBe(-1);
});

test('a log that grew long is moved into the database once, and not again after each commit', () =>
  withWriter(async ({ writer, other }) => {
    await Promise.all(oneTo(300).map((n) => putBlob(writer, n)));
    expect(pagesInLog(other)).toBeGreaterThan(1024);
    for (const n of oneTo(10)) await take(writer, n);
    // The log began again, and holds a page for each of the ten and no more.
    expect(pagesInLog(other)).toBeGreaterThanOrEqual(10);
    expect(pagesInLog(other)).toBeLessThan(100);
  }));

/** The beginning of a program of its own: a store on the file that its argument names, and `put(n)` for the n-th content of 16 KiB. */
const programStart = `
  import { sqlite } from '${new URL('./sqlite.ts', import.meta.url)}';
  import { digestOf } from '${new URL('../../oci/digest.ts', import.meta.url)}';
  import { pushTo } from '${new URL('../../testing/metadata-store/builders.ts', import.meta.url)}';
  const store = sqlite({ file: process.argv[2] });
  function put(n) {
    const bytes = new Uint8Array(16 * 1024);
    new DataView(bytes.buffer).setUint32(0, n);
    return store.putSmallBlob({ ...pushTo('acme/web'), digest: digestOf(bytes, 'sha256'), bytes, leaseUntilMs: 1 });
  }
  const numbers = Array.from({ length: 100 }, (_, n) => n);
`;

/** Runs a program on a new file to its own end, and returns its exit code and what it printed. */
async function runProgram(program: string, limit = 'unlimited'): Promise<{ code: number | null; printed: string }> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'moorage-writer-'));
  const file = join(directory.path, 'program.mjs');
  await writeFile(file, programStart + program);
  const node = [process.execPath, '-C', 'moorage-source', file, join(directory.path, 'registry.db')];
  const limited = ['-c', 'ulimit -f "$0" && exec "$@"', limit, ...node];
  const child = spawn('sh', limited, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 20_000 });
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number | null]>]);
  return { code, printed };
}

describe.concurrent('in a process of its own', () => {
  test('a store that was opened and never closed lets the process end', async () => {
    expect(await runProgram(`await store.ready(); console.log('ready');`)).toEqual({ code: 0, printed: 'ready\n' });
  });

  test('a command holds the process until it is done, and then lets it end', async () => {
    expect(await runProgram(`await put(1); console.log('done');`)).toEqual({ code: 0, printed: 'done\n' });
  });

  test('close is waited for, also where the last answer came before it was done', async () => {
    const program = `
      await store.ready();
      const given = Promise.all(numbers.map(put)).then(() => console.log('answered'));
      await store.close();
      console.log('closed');
    `;
    expect(await runProgram(program)).toEqual({ code: 0, printed: 'answered\nclosed\n' });
  });

  test('a disk that fails refuses all that wait and all that come later, and ready says so', async () => {
    const program = `
      const codes = (results) => [...new Set(results.map((result) => result.reason?.code ?? 'done'))].join();
      console.log(codes(await Promise.allSettled([put(1000)])));
      console.log(codes(await Promise.allSettled(numbers.map(put))));
      console.log(codes(await Promise.allSettled([put(2000), store.ready()])));
      await store.close();
      console.log('closed');
    `;
    // No file may grow beyond 256 KiB (512 where a shell counts in KiB); the database as it is made has 112.
    expect(await runProgram(program, '512')).toEqual({ code: 0, printed: 'done\nunavailable\nunavailable\nclosed\n' });
  });
});
