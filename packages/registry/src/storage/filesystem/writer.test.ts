import { equal, ok } from 'node:assert/strict';
import type { FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { content, MiB, reusing, sameBytes } from '../../testing/blob-store/builders.ts';
import type { Bytes } from '../blob-store.ts';
import { writeBody } from './writer.ts';

const at = (offsetBytes: number) => ({ offsetBytes, bufferBytes: 1024 * 1024 });

/** A file in memory that takes at most `atOnceBytes` of a write, and only a turn of the event loop after it was handed over: bytes that were
 *  overwritten meanwhile are seen. */
function slowFile(atOnceBytes: number) {
  const written = Buffer.alloc(8 * MiB);
  const state = { underWay: 0, mostUnderWay: 0, writes: 0, sizeBytes: 0, written };
  const write = async (bytes: Uint8Array, ...[at = 0, length = 0, position = 0]: readonly number[]) => {
    state.writes += 1;
    state.underWay += 1;
    state.mostUnderWay = Math.max(state.mostUnderWay, state.underWay);
    await setImmediate();
    const bytesWritten = Math.min(length, atOnceBytes);
    written.set(bytes.subarray(at, at + bytesWritten), position);
    state.sizeBytes = Math.max(state.sizeBytes, position + bytesWritten);
    state.underWay -= 1;
    return { bytesWritten, buffer: bytes };
  };
  const stat = async () => ({ size: state.sizeBytes });
  return { state, file: { write: write as FileHandle['write'], stat: stat as FileHandle['stat'] } };
}

it('a host that takes a part of a write gets the rest, in order, one write at a time', async () => {
  const { state, file } = slowFile(300_007);
  const bytes = content(3 * MiB + 11);
  equal(await writeBody(file, reusing(bytes, 100_003), at(5)), bytes.length + 5);
  sameBytes(state.written.subarray(5, bytes.length + 5), bytes);
  equal(state.mostUnderWay, 1);
});

it('the body is read on while a write is under way', async () => {
  const { state, file } = slowFile(MiB);
  let readDuringWrite = 0;
  async function* body(): Bytes {
    for (let n = 0; n < 64; n++) {
      readDuringWrite += state.underWay;
      yield content(64 * 1024, n);
    }
  }
  await writeBody(file, body(), at(0));
  ok(readDuringWrite > 0);
});

it('chunks of any size, failing anywhere, leave exactly what arrived', async () => {
  const sizes = fc.array(fc.oneof(fc.constantFrom(0, 1, 64 * 1024, MiB - 1, MiB, MiB + 1), fc.nat(200_000)), {
    maxLength: 7,
  });
  await fc.assert(
    fc.asyncProperty(sizes, fc.boolean(), async (chunkSizes, fails) => {
      const { state, file } = slowFile(700_001);
      const sizeBytes = chunkSizes.reduce((sum, size) => sum + size, 0);
      const bytes = content(sizeBytes);
      async function* body(): Bytes {
        let at = 0;
        for (const size of chunkSizes) {
          const chunk = bytes.slice(at, at + size);
          yield chunk;
          chunk.fill(0xee);
          at += size;
        }
        if (fails) throw new Error('cut short');
      }
      const writing = writeBody(file, body(), at(0));
      if (fails) await expect(writing).rejects.toThrow('cut short');
      else equal(await writing, sizeBytes);
      sameBytes(state.written.subarray(0, sizeBytes), bytes);
      equal(state.written.subarray(sizeBytes, sizeBytes + 16).join(''), '0'.repeat(16));
    }),
    { numRuns: 25 },
  );
});

it('a body that fails after somebody else wrote on drops what was not written yet', async () => {
  const { state, file } = slowFile(MiB);
  async function* body(): Bytes {
    yield content(MiB + 100);
    await file.write(content(50, 7), 0, 50, MiB);
    throw new Error('cut short');
  }
  await expect(writeBody(file, body(), at(0))).rejects.toThrow('cut short');
  equal(state.sizeBytes, MiB + 50);
  sameBytes(state.written.subarray(0, MiB), content(MiB + 100).subarray(0, MiB));
  sameBytes(state.written.subarray(MiB, MiB + 100), Buffer.concat([content(50, 7), Buffer.alloc(50)]));
});
