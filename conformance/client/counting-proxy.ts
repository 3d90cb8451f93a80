// A proxy that passes bytes on as they are and counts those that come from clients.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What a proxy saw. */
export interface CountingProxy {
  readonly host: string;
  /** Bytes from clients since the last call. */
  take(): number;
  /** Resolves once so many bytes came since the last `take`. */
  reached(bytes: number): Promise<void>;
  close(): void;
}

/** Starts one before `target` (`127.0.0.1:1234`). */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(`http://${target}`);
  const sockets = new Set<Socket>();
  let count = 0;
  let waiting: { readonly bytes: number; readonly resolve: () => void } | undefined;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy()).on('close', () => sockets.delete(socket));
      socket.pipe(other);
    }
    client.on('data', (chunk) => {
      count += chunk.length;
      if (waiting !== undefined && count >= waiting.bytes) waiting.resolve();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const taken = count;
      count = 0;
      return taken;
    },
    reached: (bytes) =>
      new Promise((resolve) => {
        waiting = { bytes, resolve };
      }),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
