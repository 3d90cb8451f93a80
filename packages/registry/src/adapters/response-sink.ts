import { ServerResponse } from 'node:http';
import type { ConnectionWatch } from './connection-watch.ts';

/** Where the bytes of an answer go. */
export interface ResponseSink {
  /** Whether a buffer may be used again once its `write` has resolved to true. */
  readonly buffersReturn: boolean;
  /** Resolves to true once the system has taken the bytes, to false when the client went away, and then the bytes may still be in use. Never rejects. */
  write(bytes: Uint8Array): Promise<boolean>;
  /** Stops watching the connection. */
  close(): void;
}

/** Opens a sink over a response whose headers are written. `onError` hears of what `response.write` throws, such as bytes beyond its Content-Length. */
export function openSink(
  response: ServerResponse,
  watch: ConnectionWatch,
  onError: (error: unknown) => void,
): ResponseSink {
  // A compression middleware puts a `write` of its own here, which drops the callback and may keep the bytes: its buffers never return.
  const isNative = response.write === ServerResponse.prototype.write;
  const waiting = new Set<(taken: boolean) => void>();
  let gone = false;
  const close = watch(response.req.socket, () => {
    gone = true;
    for (const settle of waiting) settle(false);
  });
  const write = (bytes: Uint8Array, settle: (taken: boolean) => void): void => {
    if (isNative) response.write(bytes, (error) => settle(!error));
    else if (response.write(bytes)) settle(true);
    else response.once('drain', () => settle(true));
  };
  return {
    buffersReturn: isNative,
    write: (bytes) =>
      new Promise((resolve) => {
        const settle = (taken: boolean): void => {
          waiting.delete(settle);
          resolve(taken);
        };
        waiting.add(settle);
        try {
          if (gone) settle(false);
          else write(bytes, settle);
        } catch (error) {
          onError(error);
          settle(false);
        }
      }),
    close,
  };
}
