import { connect, type Socket } from 'node:net';

/** What came back: the status, the head as text, and how many bytes of body were read and dropped. */
export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly bodyBytes: number;
}

/** One keep-alive connection with one request under way at a time; the cheapest client that Node has, so that the server is what is measured. */
export interface Connection {
  /** Sends a request (its head, its body's pieces) and resolves with the whole answer. Rejects when the connection ends first or the answer has no Content-Length. */
  exchange(head: string, body?: Iterable<Uint8Array>): Promise<Answer>;
  close(): void;
}

interface Pending {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

const headEnd = Buffer.from('\r\n\r\n');

/** Opens a connection; `readBufferBytes` is read into again and again, whatever the size of a body. */
export async function openConnection(host: string, port: number, readBufferBytes = 256 * 1024): Promise<Connection> {
  const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
  let pending: Pending | undefined;
  const reader = createAnswerReader((answer) => {
    const asked = pending;
    pending = undefined;
    asked?.resolve(answer);
  });
  const fail = (error: Error) => {
    reject(error);
    pending?.reject(error);
    pending = undefined;
  };
  const socket = connect({
    host,
    port,
    noDelay: true,
    onread: {
      buffer: Buffer.alloc(readBufferBytes),
      callback(count, buffer) {
        try {
          reader(Buffer.from(buffer.buffer, buffer.byteOffset, count));
        } catch (error) {
          socket.destroy(error instanceof Error ? error : new Error(String(error)));
        }
        return true;
      },
    },
  });
  socket.on('connect', resolve);
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('The server closed the connection before it answered.')));
  await opened;
  return {
    exchange(head, body) {
      const { promise, ...asked } = Promise.withResolvers<Answer>();
      pending = asked;
      // The head and the first piece leave in one write.
      socket.cork();
      socket.write(head, 'latin1');
      if (body) writePieces(socket, body).catch(fail);
      socket.uncork();
      return promise;
    },
    close: () => socket.destroy(),
  };
}

/** Keeps two pieces under way: one is ready when the kernel has taken the other. A socket that fails calls back too, and its 'error' tells why. */
async function writePieces(socket: Socket, pieces: Iterable<Uint8Array>): Promise<void> {
  let before: Promise<unknown> = Promise.resolve();
  for (const piece of pieces) {
    const written = new Promise((resolve) => socket.write(piece, resolve));
    await before;
    before = written;
  }
}

/** Takes what arrives, in whatever pieces, and calls `done` once an answer is whole. */
function createAnswerReader(done: (answer: Answer) => void): (chunk: Buffer) => void {
  let carry: Buffer | undefined;
  let open: { status: number; head: string; sizeBytes: number; leftBytes: number } | undefined;
  return (chunk) => {
    if (open) {
      open.leftBytes -= chunk.length;
    } else {
      const data = carry ? Buffer.concat([carry, chunk]) : chunk;
      const end = data.indexOf(headEnd);
      if (end < 0) {
        // The chunk is read into again, so what waits for the rest is copied.
        carry = Buffer.from(data);
        return;
      }
      carry = undefined;
      const head = data.toString('latin1', 0, end);
      const sizeBytes = bodySize(head);
      open = {
        status: Number(head.slice(9, 12)),
        head,
        sizeBytes,
        leftBytes: sizeBytes - (data.length - end - headEnd.length),
      };
    }
    if (open.leftBytes < 0) throw new Error('The server sent more than it announced.');
    if (open.leftBytes > 0) return;
    const { status, head, sizeBytes } = open;
    open = undefined;
    done({ status, head, bodyBytes: sizeBytes });
  };
}

function bodySize(head: string): number {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined && !head.startsWith('HTTP/1.1 204'))
    throw new Error(`An answer without Content-Length is not understood:\n${head}`);
  return Number(length ?? 0);
}
