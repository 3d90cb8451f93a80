import { type FileHandle, open } from 'node:fs/promises';
import type { RegistryHandler } from '../http/handler.ts';
import { DisconnectedError, type RegistryResponse } from '../http/message.ts';
import { type AdapterOptions, warnOfError } from './adapter-options.ts';
import { errorAnswer, failureAnswer, notOursAnswer } from './error-document.ts';
import { type FileBody, openRange, readFully } from './file-range.ts';
import { pathOf } from './request-target.ts';

export type { AdapterOptions } from './adapter-options.ts';

// Each chunk of a file is a buffer of its own, since its reader keeps it.
const CHUNK_BYTES = 256 * 1024;

/** Who sent a request. A `Request` does not say. */
export interface FetchClient {
  /** IP address, by which failed logins are counted. */
  readonly address?: string | undefined;
}

/** A handler for hosts that speak `Request` and `Response`. Hosts that give something of their own as the second argument, as Bun gives its server and Deno what it knows of the
 *  connection, may call it as it is: the address is then unknown. */
export type FetchHandler = (request: Request, client?: FetchClient | object) => Promise<Response>;

/** Serves a registry where requests and answers are those of `fetch`: Hono, Bun, Deno. Bodies stream both ways, with backpressure. Paths that are not the
 *  registry's get 404, a `Request` whose body was read before gets 500. An answer whose body fails is cut off by the host, as a stream that errors. Never rejects. */
export function toFetchHandler(registry: RegistryHandler, options: AdapterOptions = {}): FetchHandler {
  const { onError = warnOfError } = options;
  return async (request, client) => {
    const answer = await answerOf(registry, request, addressOf(client));
    try {
      return await toResponse(request, answer);
    } catch (error) {
      onError(error);
      return toResponse(request, failureAnswer());
    }
  };
}

/** Bun's server has an `address` too, its own, which is no string. */
function addressOf(client: FetchClient | object | undefined): string | undefined {
  return client !== undefined && 'address' in client && typeof client.address === 'string' ? client.address : undefined;
}

async function answerOf(
  registry: RegistryHandler,
  request: Request,
  address: string | undefined,
): Promise<RegistryResponse> {
  const target = targetOf(request.url);
  if (!registry.owns(pathOf(target))) return notOursAnswer();
  if (request.bodyUsed) {
    return errorAnswer(
      500,
      'The body of this request was read before the registry could: mount the registry before what reads it.',
    );
  }
  return registry.handle({
    method: request.method,
    target,
    headers: Object.fromEntries(request.headers),
    body: readBody(request),
    signal: request.signal,
    origin: new URL(request.url).origin,
    address,
  });
}

/** Path and query of an absolute URL. */
function targetOf(url: string): string {
  const pathAndQuery = url.slice(url.indexOf('/', url.indexOf('://') + 3));
  const fragment = pathAndQuery.indexOf('#');
  return fragment < 0 ? pathAndQuery : pathAndQuery.slice(0, fragment);
}

async function* readBody(request: Request): AsyncGenerator<Uint8Array> {
  if (request.body === null) return;
  const reader = request.body.getReader();
  try {
    while (true) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw new DisconnectedError('The client went away before its body ended.', { cause });
      });
      if (done) return;
      yield value;
    }
  } finally {
    // Not cancelled: some hosts then close the connection on which the answer is to go out.
    reader.releaseLock();
  }
}

async function toResponse(request: Request, answer: RegistryResponse): Promise<Response> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(answer.headers)) {
    for (const line of typeof value === 'string' ? [value] : value) headers.append(name, line);
  }
  const body = await bodyOf(request, answer);
  // Bun would name a file to its reader as it is named on the disk.
  if (body instanceof Blob) headers.set('Content-Disposition', 'attachment');
  return new Response(body, { status: answer.status, headers });
}

async function bodyOf(
  { method, headers }: Request,
  { status, body }: RegistryResponse,
): Promise<ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | Blob | null> {
  if (method === 'HEAD' || status === 204 || status === 304) return null;
  switch (body.kind) {
    case 'empty':
      return null;
    case 'bytes':
      return new Uint8Array(body.bytes);
    case 'stream':
      return streamOf(body.stream);
    case 'file': {
      const opened = await openRange(body);
      if (opened.kind === 'bytes') return new Uint8Array(opened.bytes);
      // Opened once so that a missing file is an error document, and again at the first read: an answer that a host drops unread holds no file open.
      try {
        // To a file that is answered with 200, Bun applies a Range by itself, though the registry found that it does not count.
        const isAsAnswered = status === 206 || !headers.has('range');
        return (isAsAnswered ? await bunFile(opened.handle, body) : undefined) ?? streamOf(readRange(body));
      } finally {
        await opened.handle.close();
      }
    }
  }
}

/** What Bun has beyond other hosts, as far as it is used here. */
interface BunGlobals {
  readonly Bun?: { file(path: string): Blob };
  readonly Response: unknown;
}

/** The range as a part of a file that Bun sends by itself, at an eighth of the CPU (bench row pull, 4 clients, on conformance/hosts/bun.ts); undefined on other hosts. Where the file is gone
 *  by then, Bun answers 500. */
async function bunFile(handle: FileHandle, { file }: FileBody): Promise<Blob | undefined> {
  const { Bun }: BunGlobals = globalThis;
  if (Bun === undefined) return undefined;
  const end = file.offsetBytes + file.lengthBytes;
  // Bun would send what is there as if it were all.
  if ((await handle.stat()).size < end) throw new Error('The file ends before the range that is to be sent.');
  return Bun.file(file.path).slice(file.offsetBytes, end);
}

async function* readRange({ file }: FileBody): AsyncGenerator<Uint8Array> {
  const handle = await open(file.path, 'r');
  try {
    for (let sentBytes = 0; sentBytes < file.lengthBytes; sentBytes += CHUNK_BYTES) {
      const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, file.lengthBytes - sentBytes));
      await readFully(handle, chunk, file.offsetBytes + sentBytes);
      yield chunk;
    }
  } finally {
    await handle.close();
  }
}

/** A stream that asks `source` for a chunk only when its reader does, and ends it when the reader cancels. */
function streamOf(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
