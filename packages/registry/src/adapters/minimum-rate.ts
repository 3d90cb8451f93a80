import type { Socket } from 'node:net';

/** How slow a client may be. */
export interface MinimumRate {
  /** In bytes a second; 0: as slow as it likes. */
  readonly bytesPerSecond: number;
  /** Time over which that is averaged, in milliseconds. A pause is made good within it. */
  readonly windowMs: number;
}

/** What a connection does at one moment. */
export interface Progress {
  /** The request that is under way. */
  readonly request: object;
  /** Whether the server waits for the client, to send or to take something. */
  readonly isClientsTurn: boolean;
  /** What the connection has carried so far, in both directions. */
  readonly movedBytes: number;
}

/** See `createPace`. */
export type Pace = (nowMs: number, progress: Progress) => boolean;

/** Watches one connection: called every now and then, it says whether the client has kept the server waiting and was slower than `rate` over a whole window. A window begins anew with each
 *  request, after each moment at which the client waited for the server, and when the one before was good enough. */
export function createPace(rate: MinimumRate): Pace {
  let window: { readonly request: object; readonly sinceMs: number; readonly fromBytes: number } | undefined;
  return (nowMs, { request, isClientsTurn, movedBytes }) => {
    const begin = { request, sinceMs: nowMs, fromBytes: movedBytes };
    if (!isClientsTurn || window?.request !== request) {
      window = isClientsTurn ? begin : undefined;
      return false;
    }
    const elapsedMs = nowMs - window.sinceMs;
    if (elapsedMs < rate.windowMs) return false;
    const isTooSlow = (movedBytes - window.fromBytes) * 1000 < rate.bytesPerSecond * elapsedMs;
    window = begin;
    return isTooSlow;
  };
}

/** How many bytes a connection has carried, in both directions, as far as the system has taken them. */
export function movedBytes(socket: Socket): number {
  return socket.bytesRead + takenBytes(socket);
}

/** Node counts a write as a whole at once (`bytesWritten`) or once it has ended (`writableLength`), and one of 1 MiB takes a slow client minutes;
 *  how far it is only the handle tells, from which Node itself sees whether a connection is idle. Where there is none, a write counts at once. */
function takenBytes(socket: Socket): number {
  const handle: unknown = '_handle' in socket ? socket._handle : undefined;
  const isOpen = typeof handle === 'object' && handle !== null;
  return isOpen && 'bytesWritten' in handle && 'writeQueueSize' in handle
    ? Number(handle.bytesWritten) - Number(handle.writeQueueSize)
    : socket.bytesWritten;
}
