import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { digestOf } from '../../oci/digest.ts';
import { pushTo } from '../../testing/metadata-store/builders.ts';
import { compileForSqlite } from '../sql/compile.ts';
import { definedBy, type Step } from '../sql/statement.ts';
import { createPlans } from '../sql/store.ts';
import type { CommandRequest } from './batch.ts';
import type { Connection } from './connection.ts';
import { openWriter, serve } from './writer-thread.ts';

const plans = createPlans(definedBy(compileForSqlite()));

const oneTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i + 1);

/** A port to a loop, and the next answer that comes through it. */
interface Served {
  readonly port: MessagePort;
  answer(): Promise<unknown>;
}

function withAnswers(port: MessagePort): Served {
  return { port, answer: async () => ((await once(port, 'message')) as [unknown])[0] };
}

/** A port to a loop that serves on `connection`, and the next answer that comes through it. */
function served(connection: Connection): Served {
  const { port1, port2 } = new MessageChannel();
  serve(port1, { connection, plans, commits: new Int32Array(new SharedArrayBuffer(4)) });
  return withAnswers(port2);
}

/** Takes a lease that is free. */
function lease(id: number): CommandRequest {
  return { id, name: 'acquireLease', input: [{ name: `lease ${id}`, holder: 'alice', nowMs: 1, untilMs: 2 }] };
}

/** Runs `work` on the writing connection to a new file; it or the loop closes that. */
async function withConnection(work: (connection: Connection, file: string) => Promise<void>): Promise<void> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'moorage-writer-'));
  const file = join(directory.path, 'registry.db');
  await work(openWriter(file), file);
}

/** What SQLite throws where the disk fails it. */
const sqliteError = (message: string, errcode: number) => Object.assign(new Error(message), { errcode });

/** Runs `work` in place of a statement. */
function plant(connection: Connection, { at, work }: { at: string; work: () => void }): Connection {
  return { ...connection, exec: (sql) => (sql === at ? work() : connection.exec(sql)) };
}

/** The connection, and how many commits went through it. */
function countCommits(connection: Connection): { readonly connection: Connection; commits: number } {
  const work = () => {
    counted.commits += 1;
    connection.exec('commit');
  };
  const counted = { connection: plant(connection, { at: 'commit', work }), commits: 0 };
  return counted;
}

async function close(port: MessagePort): Promise<void> {
  port.postMessage({ close: true });
  await once(port, 'close');
}

function* rowsOf(sql: string): Generator<Step, readonly unknown[], readonly unknown[]> {
  return yield { sql, parameters: [] };
}

test('messages that wait are taken together, in one transaction', () =>
  withConnection(async (connection) => {
    const counted = countCommits(connection);
    const { port, answer } = served(counted.connection);
    for (const id of oneTo(5)) port.postMessage({ commands: [lease(id)] });
    expect(await answer()).toEqual({ outcomes: oneTo(5).map((id) => ({ id, value: true })) });
    expect(counted.commits).toBe(1);
    await close(port);
  }));

/** A port of another thread into the same loop. */
function shared(port: MessagePort): Served {
  const { port1, port2 } = new MessageChannel();
  port.postMessage({ share: port1 }, [port1]);
  return withAnswers(port2);
}

test('commands of several threads share a transaction, and each is told of its own', () =>
  withConnection(async (connection) => {
    const counted = countCommits(connection);
    const first = served(counted.connection);
    const second = shared(first.port);
    second.port.postMessage({ commands: [lease(1)] });
    expect(await second.answer()).toEqual({ outcomes: [{ id: 1, value: true }] });
    for (const id of [2, 3]) first.port.postMessage({ commands: [lease(id)] });
    for (const id of [3, 4]) second.port.postMessage({ commands: [lease(id)] });
    const answers = Promise.all([first.answer(), second.answer()]);
    expect(await answers).toEqual([
      {
        outcomes: [
          { id: 2, value: true },
          { id: 3, value: true },
        ],
      },
      {
        outcomes: [
          { id: 3, value: true },
          { id: 4, value: true },
        ],
      },
    ]);
    expect(counted.commits).toBe(2);
    second.port.close();
    first.port.postMessage({ commands: [lease(5)] });
    expect(await first.answer()).toEqual({ outcomes: [{ id: 5, value: true }] });
    await close(first.port);
  }));

test('a disk that fails is told to every thread', () =>
  withConnection(async (connection) => {
    const work = () => {
      throw sqliteError('disk I/O error', 10);
    };
    const first = served(plant(connection, { at: 'commit', work }));
    const second = shared(first.port);
    const ended = once(second.port, 'close');
    first.port.postMessage({ commands: [lease(1)] });
    const fatal = { fatal: { code: 'unavailable' } };
    expect(await Promise.all([first.answer(), second.answer()])).toMatchObject([fatal, fatal]);
    await ended;
  }));

test('commands that wait together with the order to close are done first', () =>
  withConnection(async (connection, file) => {
    const { port, answer } = served(connection);
    port.postMessage({ commands: [lease(1)] });
    port.postMessage({ close: true });
    const ended = once(port, 'close');
    expect(await answer()).toEqual({ outcomes: [{ id: 1, value: true }] });
    await ended;
    const database = new DatabaseSync(file);
    expect(database.prepare('select name from leases').all()).toEqual([{ name: 'lease 1' }]);
    database.close();
  }));

test('a lock that another process holds for too long is told as locked, and the writer lives on', () =>
  withConnection(async (connection, file) => {
    connection.exec('pragma busy_timeout = 0');
    const { port, answer } = served(connection);
    const other = new DatabaseSync(file);
    other.exec('begin immediate');
    port.postMessage({ commands: [lease(1), lease(2)] });
    expect(await answer()).toMatchObject({
      outcomes: [
        { id: 1, error: { code: 'locked' } },
        { id: 2, error: { code: 'locked' } },
      ],
    });
    other.exec('commit');
    other.close();
    port.postMessage({ commands: [lease(1)] });
    expect(await answer()).toEqual({ outcomes: [{ id: 1, value: true }] });
    await close(port);
  }));

test('a full disk is told as no-space, and the writer lives on', () =>
  withConnection(async (connection) => {
    const [{ page_count: pages }] = connection.run(rowsOf('pragma page_count')) as [{ page_count: number }];
    connection.exec(`pragma max_page_count = ${pages}`);
    const { port, answer } = served(connection);
    port.postMessage({ commands: oneTo(200).map(lease) });
    expect(await answer()).toMatchObject({ outcomes: oneTo(200).map((id) => ({ id, error: { code: 'no-space' } })) });
    connection.exec(`pragma max_page_count = ${pages + 100}`);
    port.postMessage({ commands: oneTo(200).map(lease) });
    expect(await answer()).toEqual({ outcomes: oneTo(200).map((id) => ({ id, value: true })) });
    await close(port);
  }));

test('a disk that is full while the log is moved loses nothing, and the writer tries again later', () =>
  withConnection(async (connection) => {
    let tries = 0;
    const work = () => {
      tries += 1;
      throw sqliteError('database or disk is full', 13);
    };
    const { port, answer } = served(plant(connection, { at: 'pragma wal_checkpoint(passive)', work }));
    const bytes = new Uint8Array(5 * 1024 * 1024);
    const blob = { ...pushTo('acme/web'), digest: digestOf(bytes, 'sha256'), bytes, leaseUntilMs: 1 };
    port.postMessage({ commands: [{ id: 1, name: 'putSmallBlob', input: [blob] }] });
    expect(await answer()).toEqual({ outcomes: [{ id: 1, value: undefined }] });
    for (const id of [2, 3]) {
      port.postMessage({ commands: [lease(id)] });
      expect(await answer()).toEqual({ outcomes: [{ id, value: true }] });
    }
    expect(tries).toBeGreaterThanOrEqual(2);
    await close(port);
  }));

test('a disk that fails is fatal: the loop says so, closes and ends', () =>
  withConnection(async (connection) => {
    const work = () => {
      throw sqliteError('disk I/O error', 10 + 4 * 256);
    };
    const { port, answer } = served(plant(connection, { at: 'commit', work }));
    const ended = once(port, 'close');
    port.postMessage({ commands: [lease(1)] });
    expect(await answer()).toMatchObject({ fatal: { code: 'unavailable', message: expect.stringContaining('I/O') } });
    await ended;
    expect(() => connection.inTransaction()).toThrow('not open');
  }));

test('the connection flushes each commit and leaves checkpoints to the loop', () =>
  withConnection(async (connection) => {
    expect(connection.run(rowsOf('pragma journal_mode'))).toEqual([{ journal_mode: 'wal' }]);
    expect(connection.run(rowsOf('pragma synchronous'))).toEqual([{ synchronous: 2 }]);
    expect(connection.run(rowsOf('pragma wal_autocheckpoint'))).toEqual([{ wal_autocheckpoint: 0 }]);
    connection.close();
  }));
