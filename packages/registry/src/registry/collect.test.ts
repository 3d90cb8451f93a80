import { expect, test } from 'vitest';
import { stream } from '../../test/support/registry.ts';
import { collect, createCollector } from './collect.ts';

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

test('a collector copies what it keeps: its source may use a chunk again', () => {
  const collector = createCollector(100);
  const chunk = new Uint8Array(3);
  for (const letter of ['a', 'b']) collector.add(chunk.fill(letter.charCodeAt(0)));
  expect(Buffer.from(collector.bytes()).toString()).toBe('aaabbb');
});

test('a collector grows to its maximum and not beyond, whatever the parts are', () => {
  const collector = createCollector(10_000);
  for (let n = 0; n < 10_000; n += 1) collector.add(new Uint8Array([n % 256]));
  expect(collector.bytes()).toEqual(Uint8Array.from({ length: 10_000 }, (_, n) => n % 256));
  expect(() => collector.add(new Uint8Array(1))).toThrow(expect.objectContaining({ status: 413 }));
});
