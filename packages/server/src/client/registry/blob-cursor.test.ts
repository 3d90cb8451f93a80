import { expect, test } from 'vitest';
import { createBlobCursor } from './blob-cursor.ts';

/** A blob of the bytes 0 to 9 in pieces of 4. */
function makeBlob() {
  const log: string[] = [];
  const bytes = Uint8Array.from({ length: 10 }, (_, index) => index);
  async function* open(offset = 0) {
    log.push(`open ${offset}`);
    try {
      for (let at = offset; at < bytes.length; at += 4) yield bytes.subarray(at, at + 4);
    } finally {
      log.push('close');
    }
  }
  return { log, open };
}

async function read(cursor: ReturnType<typeof createBlobCursor>, from: number, to: number): Promise<number[]> {
  const found: number[] = [];
  for await (const piece of cursor.read(from, to)) found.push(...piece);
  return found;
}

test('pieces that follow each other are one reading', async () => {
  const { log, open } = makeBlob();
  const cursor = createBlobCursor({ open });
  expect(await read(cursor, 0, 3)).toEqual([0, 1, 2]);
  expect(await read(cursor, 3, 9)).toEqual([3, 4, 5, 6, 7, 8]);
  expect(await read(cursor, 9, 10)).toEqual([9]);
  await cursor.close();
  expect(log).toEqual(['open 0', 'close']);
});

test('a piece that is read again is read anew from there', async () => {
  const { log, open } = makeBlob();
  const cursor = createBlobCursor({ open });
  expect(await read(cursor, 0, 5)).toEqual([0, 1, 2, 3, 4]);
  expect(await read(cursor, 2, 5)).toEqual([2, 3, 4]);
  await cursor.close();
  await cursor.close();
  expect(log).toEqual(['open 0', 'close', 'open 2', 'close']);
});

test('a reading that was left in the middle goes on nowhere else', async () => {
  const { open } = makeBlob();
  const cursor = createBlobCursor({ open });
  for await (const piece of cursor.read(0, 10)) {
    expect(piece).toHaveLength(4);
    break;
  }
  expect(await read(cursor, 0, 2)).toEqual([0, 1]);
  expect(await read(cursor, 2, 20)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
});
