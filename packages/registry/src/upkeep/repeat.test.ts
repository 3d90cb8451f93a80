import { expect, test, vi } from 'vitest';
import { repeat } from './repeat.ts';

const everyMs = 1000;

test('a pass comes at once and then every so often, one at a time', async () => {
  vi.useFakeTimers();
  try {
    let gate = Promise.withResolvers<void>();
    let passes = 0;
    const repetition = repeat(
      () => {
        passes += 1;
        return gate.promise;
      },
      { everyMs, onError: () => undefined },
    );
    expect(passes).toBe(1);
    await vi.advanceTimersByTimeAsync(5 * everyMs);
    expect(passes).toBe(1);
    gate.resolve();
    gate = Promise.withResolvers<void>();
    gate.resolve();
    await vi.advanceTimersByTimeAsync(2 * everyMs);
    expect(passes).toBe(3);
    await repetition.stop();
    await vi.advanceTimersByTimeAsync(5 * everyMs);
    expect(passes).toBe(3);
  } finally {
    vi.useRealTimers();
  }
});

test('a pass that fails is told, one that was stopped is not, and stop waits for it', async () => {
  const errors: string[] = [];
  const onError = (error: Error) => void errors.push(error.message);
  const failing = repeat(() => Promise.reject(new Error('the disk is gone')), { everyMs, onError });
  await failing.stop();
  let isDone = false;
  const stopped = repeat(
    (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          isDone = true;
          reject(signal.reason);
        });
      }),
    { everyMs, onError },
  );
  await stopped.stop();
  expect([isDone, errors]).toEqual([true, []]);
  const told = repeat(() => Promise.reject(new Error('the disk is gone')), { everyMs, onError });
  await new Promise(setImmediate);
  await told.stop();
  expect(errors).toEqual(['the disk is gone']);
});
