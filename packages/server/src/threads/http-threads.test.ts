import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { readSettings } from '../read-settings.ts';
import { startHttpThreads } from './http-threads.ts';

test('a thread that fails tells why, to who waits for it and to who does not', async () => {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  const directory = mkdtempSync(join(tmpdir(), 'moorage-threads-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const number = () => new Int32Array(new SharedArrayBuffer(4));
  const { settings } = readSettings({
    flags: new Map([['open', 'true']]),
    environment: {},
    configFile: undefined,
    directory,
  });
  const nobody = () => undefined;
  const threads = await startHttpThreads({
    ...{ settings, directory, tokenServer: undefined, version: '0', limit: undefined, count: 2 },
    // There is no file that a main thread would have made.
    metadata: { share: async () => ({ port: port2, commits: number(), statements: new Map() }) } as never,
    files: { flushFailed: number() },
    handle: async () => ({ status: 200, headers: {}, body: { kind: 'empty' } }),
    ...{ writeLog: nobody, keepRefusal: nobody, seeRequest: nobody, seeTlsHello: nobody },
  });
  const why = 'Cannot open the database';
  await expect(threads.listen({ host: '127.0.0.1', port: 0 })).rejects.toThrow(why);
  await expect(threads.failed).rejects.toThrow(why);
  await expect(threads.drain(0)).rejects.toThrow(why);
  expect(() => threads.thread(2)).toThrow('There is no thread 2.');
});
