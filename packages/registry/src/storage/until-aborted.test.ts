import { deepEqual, equal, rejects } from 'node:assert/strict';
import { it } from 'vitest';
import { all, chunked, content, failing, never, stalling } from '../testing/blob-store/builders.ts';
import type { Bytes } from './blob-store.ts';
import { untilAborted } from './until-aborted.ts';

const reason = new Error('gone');

it('gives every chunk and leaves no listener on the signal', async () => {
  const signal = new AbortController().signal;
  const counts = { added: 0, removed: 0 };
  const watched = new Proxy(signal, {
    get(target, name) {
      if (name === 'addEventListener') counts.added += 1;
      if (name === 'removeEventListener') counts.removed += 1;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  deepEqual(await all(untilAborted(chunked(content(10), 4), watched)), await all(chunked(content(10), 4)));
  deepEqual(counts, { added: 1, removed: 1 });
});

it('throws what the source throws, and does not tell it to return after that', async () => {
  let returned = 0;
  const source = failing(content(10), reason)[Symbol.asyncIterator]();
  const body: Bytes = {
    [Symbol.asyncIterator]: () => ({
      next: () => source.next(),
      return: async () => ({ done: true, value: ++returned }),
    }),
  };
  await rejects(all(untilAborted(body, never)), (error) => error === reason);
  equal(returned, 0);
});

it('throws the reason while the source owes a chunk; what the source does later harms nobody', async () => {
  const owing = Promise.withResolvers<void>();
  const owed = Promise.withResolvers<IteratorResult<Uint8Array>>();
  const body: Bytes = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        owing.resolve();
        return owed.promise;
      },
      return: () => Promise.reject(new Error('the source cannot stop')),
    }),
  };
  const controller = new AbortController();
  const reading = all(untilAborted(body, controller.signal));
  await owing.promise;
  controller.abort(reason);
  await rejects(reading, (error) => error === reason);
  owed.reject(new Error('too late'));
});

it('stops after a chunk during which the signal aborted', async () => {
  const controller = new AbortController();
  const seen: number[] = [];
  const reading = (async () => {
    for await (const chunk of untilAborted(chunked(content(8), 4), controller.signal)) {
      seen.push(chunk.length);
      if (chunk.length > 0) controller.abort(reason);
    }
  })();
  await rejects(reading, (error) => error === reason);
  deepEqual(seen, [0, 4]);
});

it('tells the source when the reader leaves', async () => {
  const { body, left } = stalling(content(8));
  for await (const chunk of untilAborted(body, never)) if (chunk.length > 0) break;
  await left;
});
