import type { Socket } from 'node:net';

/** Calls `listener` once when the connection closes, at once if it is closed already; calling what comes back takes the listener off. */
export type ConnectionWatch = (socket: Socket, listener: () => void) => () => void;

/** Makes a watch with one listener a connection, however many requests are pipelined on it. The events of a response do not serve: before Node 26 a response that
 *  waits behind another on its connection hears nothing when the connection closes, not even in the callbacks of its writes. */
export function createConnectionWatch(): ConnectionWatch {
  const watched = new WeakMap<Socket, Set<() => void>>();
  const listenersOf = (socket: Socket): Set<() => void> => {
    const known = watched.get(socket);
    if (known !== undefined) return known;
    const listeners = new Set<() => void>();
    watched.set(socket, listeners);
    socket.once('close', () => {
      for (const listener of listeners) listener();
      listeners.clear();
    });
    return listeners;
  };
  return (socket, listener) => {
    if (socket.closed) {
      listener();
      return () => undefined;
    }
    const listeners = listenersOf(socket);
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
}
