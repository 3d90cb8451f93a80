import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { DisconnectedError } from '../http/message.ts';
import { parsedBody } from './parsed-body.ts';
import type { NodeRequest } from './request-target.ts';

// What Node reads at a time. With 256 KiB a push takes no less CPU (0.99 of it in alternating rounds), and 64 at once took 30 MiB more. `request.iterator()` reached two thirds of it.
const HIGH_WATER_BYTES = 64 * 1024;

const TINY_BYTES = 4096;

/** Whether the request announces a body. */
export function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
}

/** The body of a request, with backpressure. Nothing is read, and `beforeFirstRead` not called, until it is asked for its first chunk. What arrived is given
 *  out before the `DisconnectedError` of a client that went away. A consumer that stops early leaves the connection as it is. A chunk may be empty once the next one is asked for.
 *  A body that was read before is given out where its parser kept it (`parsedBody`), else this throws an Error. */
export async function* readBody(request: NodeRequest, beforeFirstRead: () => void): AsyncGenerator<Uint8Array> {
  if (!hasBody(request)) return;
  if (request.readableDidRead) {
    const parsed = parsedBody(request);
    if (parsed === undefined) {
      throw new Error(
        'The body of this request was read before the registry could: mount the registry before any body parser.',
      );
    }
    yield parsed;
    return;
  }
  beforeFirstRead();
  let queue: Uint8Array[] = [];
  let queuedBytes = 0;
  let receivedBytes = 0;
  const announcedBytes = Number(request.headers['content-length']);
  let ended = false;
  let closed = request.closed;
  const hasChunks = hasOwnChunks(request);
  let wake = (): void => undefined;
  const onData = (chunk: Uint8Array): void => {
    queue.push(chunk);
    queuedBytes += chunk.byteLength;
    receivedBytes += chunk.byteLength;
    if (queuedBytes >= HIGH_WATER_BYTES) request.pause();
    wake();
  };
  const onEnd = (): void => {
    ended = true;
    wake();
  };
  const onClose = (): void => {
    closed = true;
    wake();
  };
  request.on('data', onData).once('end', onEnd).once('close', onClose).resume();
  try {
    while (true) {
      if (queue.length > 0) {
        // Tiny chunks come one by one, each in a turn of its own: what else has arrived comes with them.
        if (queuedBytes < TINY_BYTES && !ended && receivedBytes !== announcedBytes) await setImmediate();
        const arrived = queue;
        queue = [];
        for (const piece of inPieces(arrived)) {
          queuedBytes -= piece.byteLength;
          if (queuedBytes < HIGH_WATER_BYTES && request.isPaused()) request.resume();
          yield piece;
          if (hasChunks && request.listenerCount('data') === 1) free(piece);
        }
      } else if (ended) {
        return;
      } else if (closed) {
        throw new DisconnectedError('The client went away before its body ended.');
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    request.off('data', onData).off('end', onEnd).off('close', onClose);
    request.pause();
  }
}

/** Whether Node makes the chunks of a request for its listeners alone. One that was made up (`inject` of Fastify) gives out its caller's bytes, and one whose methods were replaced (by Next.js,
 *  for its middleware) bytes that a second stream has as well. */
function hasOwnChunks(request: IncomingMessage): boolean {
  const { socket, on } = request;
  return socket instanceof Socket && socket.bytesRead > 0 && on === IncomingMessage.prototype.on;
}

/** Gives the memory of a chunk back at once, to be used for the next one while it is in the processor's cache. Left to the garbage collector, a push of 256 MiB took twice the CPU, and 64 pushes
 *  at once 40 MiB more (docs/decisions/019-memory.md). A chunk that shares its memory is left alone. */
function free({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/** Chunks as they came, unless they are tiny: a body of single bytes would keep everybody else waiting for a turn of the consumer at each. */
function inPieces(chunks: Uint8Array[]): readonly Uint8Array[] {
  const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  return sizeBytes / chunks.length < TINY_BYTES ? [Buffer.concat(chunks, sizeBytes)] : chunks;
}

/** How much of an unwanted body is taken, so that a client which is still sending can read its answer. */
export const drainLimits: { readonly bytes: number; readonly timeoutMs: number } = {
  bytes: 1024 * 1024,
  timeoutMs: 5000,
};

/** Takes the rest of a body and forgets it, within `limits`. Returns whether the body ended: if not, the connection is good for nothing more. */
export function drainBody(
  request: IncomingMessage,
  limits: { readonly bytes: number; readonly timeoutMs: number } = drainLimits,
): Promise<boolean> {
  if (request.readableEnded) return Promise.resolve(true);
  if (request.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    let takenBytes = 0;
    const settle = (ended: boolean): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      request.pause();
      resolve(ended);
    };
    const onData = (chunk: Uint8Array): void => {
      takenBytes += chunk.byteLength;
      if (takenBytes > limits.bytes) settle(false);
    };
    const onEnd = (): void => settle(true);
    const onClose = (): void => settle(false);
    const timer = setTimeout(onClose, limits.timeoutMs);
    // A consumer that was left in the middle no longer counts.
    request.removeAllListeners('data').on('data', onData).once('end', onEnd).once('close', onClose).resume();
  });
}
