import { once } from 'node:events';
import { mkdtemp, mkdtempDisposable, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { parseRepositoryName } from '../../oci/name.ts';
import { pushTo } from '../../testing/metadata-store/builders.ts';
import { metadataStoreContract } from '../../testing/metadata-store.ts';
import type { MetadataStore } from '../metadata-store.ts';
import { type SqliteStore, sqlite } from './sqlite.ts';

const name = parseRepositoryName('acme/web');
const put = (store: MetadataStore, letter: string) =>
  store.putSmallBlob({
    ...pushTo('acme/web'),
    digest: `sha256:${letter.repeat(64)}` as never,
    bytes: new Uint8Array(3),
    leaseUntilMs: 1,
  });

/** Runs `work` with a store and another one that shares its writer. */
async function withShared(work: (first: SqliteStore, second: SqliteStore, file: string) => Promise<void>) {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'moorage-share-'));
  const file = join(directory.path, 'registry.db');
  const first = sqlite({ file });
  const second = sqlite({ file, writer: await first.share() });
  await work(first, second, file);
  await second.close();
  await first.close();
}

describe.concurrent('a store that shares the writer of another', () => {
  const cases = metadataStoreContract(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'moorage-share-'));
    const file = join(directory, 'registry.db');
    const first = sqlite({ file });
    return {
      store: sqlite({ file, writer: await first.share() }),
      async close() {
        await first.close();
        await rm(directory, { recursive: true });
      },
    };
  });
  for (const { name: title, run } of cases) test(title, run);
});

const otherThread = `
  import { workerData, parentPort } from 'node:worker_threads';
  import { sqlite } from ${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)};
  const store = sqlite(workerData);
  parentPort.on('message', async ({ call, input }) => parentPort.postMessage(await store[call](...input)));
`;

test('threads see at once what each of them changes, and one that ends leaves the writer to the others', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'moorage-share-'));
  const file = join(directory.path, 'registry.db');
  const store = sqlite({ file });
  const writer = await store.share();
  const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(otherThread)}`), {
    workerData: { file, writer },
    transferList: [writer.port],
    execArgv: ['-C', 'moorage-source'],
  });
  const ask = async (call: keyof MetadataStore, ...input: unknown[]) => {
    const answer = once(thread, 'message');
    thread.postMessage({ call, input });
    return ((await answer) as [unknown])[0];
  };
  await put(store, 'a');
  for (const visibility of ['public', 'private', 'public'] as const) {
    await store.setVisibility({ name, visibility });
    expect(await ask('findRepository', name)).toMatchObject({ visibility });
  }
  for (const visibility of ['private', 'public', 'private'] as const) {
    await ask('setVisibility', { name, visibility });
    expect(await store.findRepository(name)).toMatchObject({ visibility });
  }
  await ask('close');
  await thread.terminate();
  await put(store, 'b');
  expect(await store.findBlob(1, `sha256:${'b'.repeat(64)}` as never)).toBeDefined();
  await store.close();
});

test('a store that is closed waits for its commands, and takes no more', () =>
  withShared(async (first, second) => {
    const given = put(second, 'a');
    await second.close();
    await given;
    await expect(put(second, 'b')).rejects.toMatchObject({ code: 'unavailable' });
    expect(await first.findRepository(name)).toMatchObject({ name });
  }));

test('where the writer ends, who shares it is told so', () =>
  withShared(async (first, second) => {
    await second.ready();
    await first.close();
    await expect.poll(() => second.ready().catch(({ code }) => code)).toBe('unavailable');
    await expect(put(second, 'a')).rejects.toMatchObject({
      code: 'unavailable',
      message: 'The metadata store is closed.',
    });
  }));

test('a store in memory is shared with nobody', async () => {
  const store = sqlite({ file: ':memory:' });
  await expect(store.share()).rejects.toThrow('one thread');
  await store.close();
});
