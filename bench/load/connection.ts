import { connect, type Socket } from 'node:net';

/** What came back: the status, the head as text, and how many bytes of body were read and dropped (with the marks between its chunks, where it came in chunks). */
export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly bodyBytes: number;
  /** Empty unless it was asked for. */
  readonly body: string;
}

/** One keep-alive connection with one request under way at a time; the cheapest client that Node has, so that the server is what is measured. */
export interface Connection {
  /** Sends a request and resolves with the whole answer. Rejects when the connection ends first, or the answer does not tell where it ends. */
  exchange(
    head: string,
    options?: { readonly body?: Iterable<Uint8Array>; readonly keepBody?: boolean },
  ): Promise<Answer>;
  close(): void;
}

interface Pending extends Asked {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** What the reader of an answer must know of its request. */
interface Asked {
  readonly isHead: boolean;
  readonly keepBody: boolean;
}

const headEnd = Buffer.from('\r\n\r\n');
const lastChunk = '\r\n0\r\n\r\n';

/** Opens a connection; `readBufferBytes` is read into again and again, whatever the size of a body. */
export async function openConnection(host: string, port: number, readBufferBytes = 256 * 1024): Promise<Connection> {
  const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
  let pending: Pending | undefined;
  const reader = createAnswerReader(
    () => pending,
    (answer) => {
      const asked = pending;
      pending = undefined;
      asked?.resolve(answer);
    },
  );
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
    exchange(head, { body, keepBody = false } = {}) {
      const { promise, ...settle } = Promise.withResolvers<Answer>();
      pending = { ...settle, isHead: head.startsWith('HEAD '), keepBody };
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

/** The answer that is being read. Where it comes in chunks, `leftBytes` is infinite until the last one. */
interface Open {
  readonly status: number;
  readonly head: string;
  readonly parts: string[];
  bodyBytes: number;
  leftBytes: number;
  /** The last bytes of an answer in chunks. */
  tail: string;
}

/** Takes what arrives, in whatever pieces, and calls `done` once an answer is whole. */
function createAnswerReader(asked: () => Asked | undefined, done: (answer: Answer) => void): (chunk: Buffer) => void {
  let carry: Buffer | undefined;
  let open: Open | undefined;
  return (chunk) => {
    let body = chunk;
    if (open === undefined) {
      const data = carry ? Buffer.concat([carry, chunk]) : chunk;
      const end = data.indexOf(headEnd);
      if (end < 0) {
        // The chunk is read into again, so what waits for the rest is copied.
        carry = Buffer.from(data);
        return;
      }
      carry = undefined;
      const head = data.toString('latin1', 0, end);
      const leftBytes = bodySize(head, asked()?.isHead === true);
      open = { status: Number(head.slice(9, 12)), head, parts: [], bodyBytes: 0, leftBytes, tail: '\r\n' };
      body = data.subarray(end + headEnd.length);
    }
    takeBody(open, body, asked()?.keepBody === true);
    if (open.leftBytes < 0) throw new Error('The server sent more than it announced.');
    if (open.leftBytes > 0) return;
    const { status, head, bodyBytes, parts } = open;
    open = undefined;
    done({ status, head, bodyBytes, body: parts.join('') });
  };
}

function takeBody(open: Open, bytes: Buffer, keep: boolean): void {
  open.bodyBytes += bytes.length;
  open.leftBytes -= bytes.length;
  if (keep) open.parts.push(bytes.toString('latin1'));
  if (open.leftBytes !== Number.POSITIVE_INFINITY) return;
  // One request is under way at a time, so that nothing comes behind the last chunk; and what has chunks here is JSON, in which its mark does not occur.
  open.tail = (open.tail + bytes.toString('latin1', Math.max(0, bytes.length - lastChunk.length))).slice(
    -lastChunk.length,
  );
  if (open.tail === lastChunk) open.leftBytes = 0;
}

/** The bytes that follow the head; infinite where the server does not know yet, and sends chunks. */
function bodySize(head: string, isHead: boolean): number {
  if (isHead || head.startsWith('HTTP/1.1 204')) return 0;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return Number(length);
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return Number.POSITIVE_INFINITY;
  throw new Error(`An answer that does not tell where it ends:\n${head}`);
}
