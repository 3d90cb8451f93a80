import type { Server } from 'node:https';
import type { Socket } from 'node:net';

const silenceMs = 20_000;

/** The connections of a server whose first byte tells what they speak. */
export interface SortedConnections {
  /** Closes those that have not said anything yet. */
  closeSilent(): void;
  /** Closes all. */
  closeAll(): void;
}

/** Hands the connections of a TLS server on which plain HTTP is spoken to `takePlain`, and the others, with nothing lost, to the server: its handshake could answer a plain request with bytes alone
 *  that no client can read. Call it before others listen to the server's connections. */
export function sortByFirstByte(server: Server, takePlain: (socket: Socket) => void): SortedConnections {
  const silent = new Set<Socket>();
  const open = new Set<Socket>();
  const speakTls = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    silent.add(socket);
    const end = () => socket.destroy();
    socket.on('error', end); // it has no other listener yet
    socket.once('close', () => {
      open.delete(socket);
      silent.delete(socket);
    });
    socket.setTimeout(silenceMs, end);
    socket.once('data', (bytes: Buffer) => {
      silent.delete(socket);
      socket.setTimeout(0, end);
      socket.pause();
      socket.unshift(bytes);
      if (isMethod(bytes)) {
        takePlain(socket);
        socket.resume();
      } else {
        for (const listener of speakTls) listener.call(server, socket);
      }
    });
  });
  const closeEach = (sockets: ReadonlySet<Socket>) => {
    for (const socket of sockets) socket.destroy();
  };
  return { closeSilent: () => closeEach(silent), closeAll: () => closeEach(open) };
}

/** Whether bytes begin as a request of HTTP does, with a letter, which no record of TLS does. */
function isMethod(bytes: Buffer): boolean {
  const [first = 0] = bytes;
  return first >= 0x41 && first <= 0x5a;
}
