import * as files from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { StorageError } from '../error.ts';
import { makeLocalDirectory } from '../local-directory.ts';
import type { MetadataStore } from '../metadata-store.ts';
import { type CommandName, commandNames, longReads, type Plans, type ReadName, readNames } from '../sql/plans.ts';
import { type CompiledStatements, definedBy, type Plan } from '../sql/statement.ts';
import { createPlans } from '../sql/store.ts';
import { commitBatch, fromPlainError } from './batch.ts';
import { type Connection, openConnection } from './connection.ts';
import { migrate } from './migrate.ts';
import { cacheReads, type Read } from './read-cache.ts';
import { startWriter } from './writer.ts';
import { joinWriter, type Writer } from './writer-calls.ts';

export { sqliteCheck } from './check.ts';

/** A metadata store that the threads of a process can share. */
export interface SqliteStore extends MetadataStore {
  /** What another thread of this process opens the same file with, while this store is open: it goes there with its port in the `transferList`, and is good for one store. Not for `:memory:`. */
  share(): Promise<SharedWriter>;
}

/** The writer of a store in another thread of this process. */
export interface SharedWriter {
  readonly port: MessagePort;
  /** Of the store itself: memory and data that it shares. */
  readonly commits: Int32Array<SharedArrayBuffer>;
  readonly statements: ReadonlyMap<string, unknown>;
}

/** What a store is opened with. */
export interface SqliteOptions {
  /** A path, or `:memory:`. */
  readonly file: string;
  /** From `share` of the store that another thread of this process has opened on `file`, and which is closed last: commands go to its writer. */
  readonly writer?: SharedWriter;
}

/** Metadata in one SQLite file, or with `:memory:` in the memory of this process.
 *
 *  Commands run in a writer thread and are durable when they resolve; reads run on a connection of the calling thread and see every command that has resolved. Other
 *  processes may open the file through this driver at the same time; in this process nothing else may, but for the threads that it is shared with (any other descriptor on the file drops SQLite's
 *  locks when it is closed). The file must not lie on a network file system. Does no I/O before `ready` or the first call. */
export function sqlite({ file, writer: shared }: SqliteOptions): SqliteStore {
  let opening: Promise<Opened> | undefined;
  /** The same, once it is there: a read need not wait for it. */
  let open: Opened | undefined;
  let isClosed = false;

  function openStore(): Promise<Opened> {
    if (file === ':memory:') return openMemory();
    return shared === undefined ? openFile(resolve(file)) : openShared(resolve(file), shared);
  }

  function opened(): Promise<Opened> {
    if (isClosed) return Promise.reject(new StorageError('unavailable', 'The metadata store is closed.'));
    opening ??= openStore().then(
      (made) => {
        if (!isClosed) open = made;
        return made;
      },
      (error: unknown) => {
        opening = undefined; // what kept it from opening may be put right
        throw error;
      },
    );
    return opening;
  }

  const reads = Object.fromEntries(
    readNames.map((name) => [name, async (...input: unknown[]) => (open ?? (await opened())).read(name, input)]),
  );
  const commands = Object.fromEntries(
    commandNames.map((name) => [name, async (...input: unknown[]) => (await opened()).writer.run(name, input)]),
  );
  return {
    ...(reads as Pick<MetadataStore, ReadName>),
    ...(commands as Pick<MetadataStore, CommandName>),
    async ready() {
      (await opened()).writer.check();
    },
    share: async () => (await opened()).share(),
    async close() {
      isClosed = true;
      open = undefined;
      const made = await opening?.catch(() => undefined);
      opening = undefined;
      await made?.close();
    },
  };
}

interface Opened {
  readonly read: Read;
  readonly writer: Pick<Writer, 'run' | 'check'>;
  share(): SharedWriter;
  close(): Promise<void>;
}

/** kysely is large: it is loaded when a store opens and not when the library is imported. */
async function compile(): Promise<CompiledStatements> {
  const { compileForSqlite } = await import('../sql/compile.ts');
  return compileForSqlite();
}

async function openFile(file: string): Promise<Opened> {
  await makeLocalDirectory(dirname(file), { files, flush: flushDirectory });
  const compiling = compile();
  const { commits, ...writer } = await startWriter(file, compiling);
  return openReader(file, writer, { commits, statements: await compiling });
}

/** The directory and the file are there: another thread has opened them. */
function openShared(file: string, { port, ...facts }: SharedWriter): Promise<Opened> {
  return openReader(file, joinWriter(port), facts);
}

async function openReader(file: string, writer: Writer, facts: Omit<SharedWriter, 'port'>): Promise<Opened> {
  const statements = facts.statements as CompiledStatements;
  try {
    const reader = openConnection(file, { readOnly: true });
    const read = readsOf(reader, createPlans(definedBy(statements)));
    return {
      writer,
      read: cacheReads(read, () => reader.dataVersion(), facts.commits),
      share: () => ({ port: writer.share(), ...facts }),
      async close() {
        reader.close();
        await writer.close();
      },
    };
  } catch (error) {
    await writer.close();
    throw error;
  }
}

async function flushDirectory(path: string): Promise<void> {
  const directory = await files.open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** One connection in the calling thread, for both: the same commands, without durability. */
async function openMemory(): Promise<Opened> {
  const plans = createPlans(definedBy(await compile()));
  const connection = openConnection(':memory:', { readOnly: false });
  migrate(connection);
  return {
    writer: {
      async run(name, input) {
        const [outcome] = commitBatch(connection, plans, [{ id: 0, name, input }]);
        if (outcome === undefined) throw new TypeError('A batch of one command has one outcome.');
        if ('error' in outcome) throw fromPlainError(outcome.error);
        return outcome.value;
      },
      check: () => undefined,
    },
    read: readsOf(connection, plans),
    share() {
      throw new TypeError('A store in :memory: is that of one thread.');
    },
    close: async () => connection.close(),
  };
}

function readsOf(connection: Connection, plans: Plans): Read {
  return (name, input) => {
    const plan = (plans[name] as (...input: readonly unknown[]) => Plan<unknown>)(...input);
    return longReads.has(name) ? connection.read(plan) : connection.run(plan);
  };
}
