import type { TestRegistry } from './registry.ts';

/** Begins an upload session; returns its Location. `query` with its `?`. */
export async function openSession(opened: Pick<TestRegistry, 'call'>, name = 'acme/web', query = ''): Promise<string> {
  const answer = await opened.call('POST', `/v2/${name}/blobs/uploads/${query}`);
  if (answer.status !== 202) throw new Error(`Opening a session answered ${answer.status}: ${answer.text}`);
  return String(answer.headers['location']);
}

/** Bytes that differ from place to place. */
export function content(sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 1) bytes[at] = (at * 31 + (at >> 8)) % 251;
  return bytes;
}

/** A body that gives `first` and then owes the rest until the test says what comes. */
export interface StallingBody {
  readonly body: AsyncIterable<Uint8Array>;
  /** Resolves once `first` was taken and more is asked for. */
  readonly owing: Promise<void>;
  /** Gives these last bytes, if any, and ends. */
  resume(last?: Uint8Array): void;
  /** Breaks off. */
  fail(error: Error): void;
}

export function stalling(first: Uint8Array): StallingBody {
  const owing = Promise.withResolvers<void>();
  const rest = Promise.withResolvers<Uint8Array | undefined>();
  async function* read() {
    yield first;
    owing.resolve();
    const last = await rest.promise;
    if (last !== undefined) yield last;
  }
  return { body: read(), owing: owing.promise, resume: (last) => rest.resolve(last), fail: rest.reject };
}

/** Every key that lies in a store. */
export async function listKeys<Key>(store: { list(signal: AbortSignal): AsyncIterable<{ key: Key }> }): Promise<Key[]> {
  const listed = await Array.fromAsync(store.list(new AbortController().signal));
  return listed.map(({ key }) => key);
}
