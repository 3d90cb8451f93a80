import { setTimeout as delay } from 'node:timers/promises';

const patienceMs = 20_000;

/** Asks until `check` throws no more, for what an example does after it has answered; then throws what `check` threw. */
export async function eventually<T>(check: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(100);
    }
  }
}
