import { expect, test } from 'vitest';
import { stream } from '../../test/support/registry.ts';
import { bytesOf, collect, gather } from './collect.ts';

const gone = new Error('the client went away');

test('collect gives the pieces of a body in one piece of its size', async () => {
  const whole = await collect(stream('hel', '', 'lo'), 5);
  expect(Buffer.from(whole).toString()).toBe('hello');
  expect(whole.buffer.byteLength).toBe(5);
  expect(await collect(stream(), 0)).toEqual(new Uint8Array());
});

test('collect refuses with 413 as soon as there is a byte too many, and asks for no more', async () => {
  const body = stream('hel', 'lo!', new Error('asked for more'));
  await expect(collect(body, 5)).rejects.toMatchObject({ code: 'SIZE_INVALID', status: 413 });
});

test('gather leaves what came before the body broke off', async () => {
  const parts: Uint8Array[] = [];
  await expect(gather(stream('hel', 'lo', gone), parts, 100)).rejects.toBe(gone);
  expect(Buffer.from(await collect(bytesOf(parts), 100)).toString()).toBe('hello');
});

test('gather copies what it keeps when the source uses a chunk again', async () => {
  const chunk = new Uint8Array(3);
  async function* reusing() {
    for (const letter of ['a', 'b']) {
      chunk.fill(letter.charCodeAt(0));
      yield chunk;
    }
  }
  expect(Buffer.from(await collect(reusing(), 100)).toString()).toBe('aaabbb');
});
