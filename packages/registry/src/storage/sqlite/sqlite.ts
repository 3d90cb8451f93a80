import * as files from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
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
import { startWriter, type Writer } from './writer.ts';

export { sqliteCheck } from './check.ts';

/** Metadata in one SQLite file, or with `:memory:` in the memory of this process.
 *
 *  Commands run in a writer thread and are durable when they resolve; reads run on a connection of the calling thread and see every command that has resolved. Other
 *  processes may open the file through this driver at the same time; in this process nothing else may (any other descriptor on the file drops SQLite's locks when it
 *  is closed). The file must not lie on a network file system. Does no I/O before `ready` or the first call. */
export function sqlite({ file }: { readonly file: string }): MetadataStore {
  let opening: Promise<Opened> | undefined;
  /** The same, once it is there: a read need not wait for it. */
  let open: Opened | undefined;
  let isClosed = false;

  function opened(): Promise<Opened> {
    if (isClosed) return Promise.reject(new StorageError('unavailable', 'The metadata store is closed.'));
    opening ??= (file === ':memory:' ? openMemory() : openFile(resolve(file))).then(
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
  readonly writer: Writer;
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
  const writer = await startWriter(file, compiling);
  try {
    const reader = openConnection(file, { readOnly: true });
    const read = readsOf(reader, createPlans(definedBy(await compiling)));
    return {
      writer,
      read: cacheReads(read, () => reader.dataVersion()),
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
  const writer: Writer = {
    async run(name, input) {
      const [outcome] = commitBatch(connection, plans, [{ id: 0, name, input }]);
      if (outcome === undefined) throw new TypeError('A batch of one command has one outcome.');
      if ('error' in outcome) throw fromPlainError(outcome.error);
      return outcome.value;
    },
    check: () => undefined,
    close: async () => connection.close(),
  };
  return { writer, read: readsOf(connection, plans), close: writer.close };
}

function readsOf(connection: Connection, plans: Plans): Read {
  return (name, input) => {
    const plan = (plans[name] as (...input: readonly unknown[]) => Plan<unknown>)(...input);
    return longReads.has(name) ? connection.read(plan) : connection.run(plan);
  };
}
