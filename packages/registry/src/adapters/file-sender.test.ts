import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createFileSender, type FileSender } from './file-sender.ts';
import type { ResponseSink } from './response-sink.ts';

const SIZE = 1000;

/** A sink of which a test decides when each write has been taken, or that its client is gone. */
function heldSink(buffersReturn = true): ResponseSink & {
  readonly writes: readonly { readonly bytes: Uint8Array; readonly settle: (taken: boolean) => void }[];
  reached(count: number): Promise<void>;
} {
  const writes: { bytes: Uint8Array; settle: (taken: boolean) => void }[] = [];
  let look = (): void => undefined;
  return {
    buffersReturn,
    writes,
    write: (bytes) =>
      new Promise((resolve) => {
        writes.push({ bytes, settle: resolve });
        look();
      }),
    reached: (count) =>
      new Promise((resolve) => {
        look = () => {
          if (writes.length >= count) resolve();
        };
        look();
      }),
    close: () => undefined,
  };
}

/** Sends a file of `SIZE` bytes that are all `value`; `done` is what the sender returned. */
async function transfer(sender: FileSender, value: number, sink: ResponseSink): Promise<{ done: Promise<boolean> }> {
  const directory = await mkdtemp(join(tmpdir(), 'moorage-sender-'));
  const path = join(directory, 'file');
  await writeFile(path, Buffer.alloc(SIZE, value));
  const handle = await open(path);
  onTestFinished(async () => {
    await handle.close();
    await rm(directory, { recursive: true });
  });
  const body = { kind: 'file', file: { path, offsetBytes: 0, lengthBytes: SIZE } } as const;
  return { done: sender(handle, body, sink) };
}

test('a buffer is read into again only when the write before last has been taken', async () => {
  const sink = heldSink();
  const { done } = await transfer(createFileSender({ largeBytes: 300 }), 1, sink);
  await sink.reached(2);
  await new Promise((resolve) => setImmediate(resolve));
  expect(sink.writes).toHaveLength(2);
  sink.writes[1]?.settle(true);
  await new Promise((resolve) => setImmediate(resolve));
  expect(sink.writes).toHaveLength(2);
  sink.writes[0]?.settle(true);
  await sink.reached(3);
  expect(sink.writes[2]?.bytes.buffer).toBe(sink.writes[0]?.bytes.buffer);
  sink.writes[2]?.settle(true);
  await sink.reached(4);
  sink.writes[3]?.settle(true);
  expect(await done).toBe(true);
});

test('a transfer whose client goes away never gives its buffers to another', async () => {
  const sender = createFileSender({ largeTransfers: 1, largeBytes: 300 });
  const gone = heldSink();
  const { done: first } = await transfer(sender, 1, gone);
  await gone.reached(2);
  gone.writes[0]?.settle(false);
  expect(await first).toBe(false);

  const next = heldSink();
  const { done: second } = await transfer(sender, 2, next);
  for (let count = 1; count <= 4; count += 1) {
    await next.reached(count);
    next.writes[count - 1]?.settle(true);
  }
  expect(await second).toBe(true);
  const inFlight = gone.writes.map(({ bytes }) => bytes);
  expect(inFlight.every((bytes) => bytes.every((byte) => byte === 1))).toBe(true);
  expect(next.writes.some(({ bytes }) => inFlight.some((old) => old.buffer === bytes.buffer))).toBe(false);
});

test('a transfer that went well does give its buffers to the next', async () => {
  const sender = createFileSender({ largeTransfers: 1, largeBytes: SIZE });
  const sinks = [heldSink(), heldSink()];
  for (const sink of sinks) {
    const { done } = await transfer(sender, 1, sink);
    await sink.reached(1);
    sink.writes[0]?.settle(true);
    expect(await done).toBe(true);
  }
  expect(sinks[1]?.writes[0]?.bytes.buffer).toBe(sinks[0]?.writes[0]?.bytes.buffer);
});

test('beyond the large transfers, each holds one small buffer', async () => {
  const sender = createFileSender({ largeTransfers: 1, largeBytes: SIZE, smallBytes: 100 });
  const large = heldSink();
  await transfer(sender, 1, large);
  await large.reached(1);
  const small = heldSink();
  await transfer(sender, 2, small);
  await small.reached(1);
  expect([large.writes[0]?.bytes.byteLength, small.writes[0]?.bytes.byteLength]).toEqual([SIZE, 100]);
  large.writes[0]?.settle(false);
  small.writes[0]?.settle(false);
});

test('where buffers do not return, each write has its own', async () => {
  const sink = heldSink(false);
  await transfer(createFileSender({ smallBytes: 400 }), 1, sink);
  for (let count = 1; count <= 3; count += 1) {
    await sink.reached(count);
    sink.writes[count - 1]?.settle(true);
  }
  expect(new Set(sink.writes.map(({ bytes }) => bytes.buffer)).size).toBe(3);
});
