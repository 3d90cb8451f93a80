import type { StorageKey } from './blob-store.ts';
import { StorageError } from './error.ts';

/** The calls of one blob store that are under way: what every driver owes its callers beside its own work. */
export interface Calls {
  /** Opens the store, once; a failed attempt may be repeated. `unavailable` when the store is closed. */
  ready(): Promise<void>;
  /** Lets no new call begin and waits for those under way. */
  close(): Promise<void>;
  /** Runs `act` when the store is open. */
  run<T>(act: () => Promise<T>): Promise<T>;
  /** Runs `act` with the key to itself; `busy` while another holds it. */
  alone<T>(key: StorageKey, act: () => Promise<T>): Promise<T>;
}

/** Keeps the calls of one store, which `open` opens.
 *
 *  Invariant: of the acts that change a key's upload, one is under way at a time. This defeats: a client stalls, its session's lease runs out, another
 *  writer takes the session over and appends at the same offset, or publishes; then the first one wakes and writes what it had collected over the
 *  second one's bytes, or into a published blob, where no digest would be checked again. */
export function calls(open: () => Promise<void>): Calls {
  const running = new Set<Promise<unknown>>();
  const held = new Set<StorageKey>();
  let opening: Promise<void> | undefined;
  let closed = false;

  async function ready(): Promise<void> {
    if (closed) throw new StorageError('unavailable', 'The blob store is closed.');
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    await opening;
  }

  function run<T>(act: () => Promise<T>): Promise<T> {
    const call = ready().then(act);
    const ended = () => running.delete(call);
    running.add(call);
    call.then(ended, ended);
    return call;
  }

  return {
    ready,
    run,
    async close() {
      closed = true;
      await Promise.allSettled([opening, ...running]);
    },
    alone: (key, act) =>
      run(async () => {
        if (held.has(key))
          throw new StorageError('busy', 'Another writer holds this upload. Try again when it has ended.');
        held.add(key);
        try {
          return await act();
        } finally {
          held.delete(key);
        }
      }),
  };
}
