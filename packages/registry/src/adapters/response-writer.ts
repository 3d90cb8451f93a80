import type { FileHandle } from 'node:fs/promises';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { RegistryResponse, ResponseBody, ResponseHeaders } from '../http/message.ts';
import type { ConnectionWatch } from './connection-watch.ts';
import { failureAnswer } from './error-document.ts';
import { type FileBody, openRange } from './file-range.ts';
import type { FileSender } from './file-sender.ts';
import { drainBody, drainLimits, hasBody } from './request-body.ts';
import { openSink } from './response-sink.ts';
import { awaitsContinue } from './tune-server.ts';

/** Sends the answer to a request, body included, and leaves its connection either in step for the next request or closed. What fails
 *  becomes a 500, or, once headers are sent, the end of the connection; it rejects only when not even the 500 can be written. */
export type Answerer = (response: ServerResponse, answer: RegistryResponse) => Promise<void>;

/** What an `Answerer` works with. */
export interface AnswererParts {
  readonly watch: ConnectionWatch;
  readonly sendFile: FileSender;
  /** Hears of a body that could not be sent. */
  readonly onError: (error: unknown) => void;
}

/** A body with its file open. */
type OpenBody = Exclude<ResponseBody, { kind: 'file' }> | OpenFile;
type OpenFile = { readonly kind: 'file'; readonly handle: FileHandle; readonly body: FileBody };

/** Makes an `Answerer`. */
export function createAnswerer(parts: AnswererParts): Answerer {
  const { onError } = parts;
  return async (response, answer) => {
    // A middleware, such as one that limits time, may have answered already; and nobody is left to answer when the socket is gone.
    if (response.headersSent || response.req.socket.destroyed) return;
    try {
      if (!deliverAtOnce(response, answer)) await deliver(response, answer, parts);
    } catch (error) {
      // A source that ends because its client went away has not failed.
      if (!response.req.socket.destroyed) onError(error);
      if (response.headersSent) {
        response.req.socket.destroy();
      } else {
        for (const name of Object.keys(answer.headers)) response.removeHeader(name);
        await deliver(response, failureAnswer(), parts);
      }
    }
  };
}

/** Sends an answer that needs nothing opened, and of whose request nothing is left to read; false where it is another. */
function deliverAtOnce(response: ServerResponse, answer: RegistryResponse): boolean {
  const { body } = answer;
  if ((body.kind !== 'bytes' && body.kind !== 'empty') || isUnread(response.req)) return false;
  writeHead(response, answer);
  if (body.kind === 'bytes' && hasContent(response.req, answer)) endWith(response, body.bytes);
  else response.end();
  return true;
}

/** Bytes that go out in one piece with the headers. */
const JOINED_BYTES = 16 * 1024;

/** Node joins headers and a text, where it hands the system headers and a buffer as two pieces, which took a tenth longer for a small answer (bench row get-manifest-by-tag). Each character of Latin-1 is one byte. */
function endWith(response: ServerResponse, bytes: Uint8Array): void {
  const isJoined = bytes.byteLength <= JOINED_BYTES && response.end === ServerResponse.prototype.end;
  if (!isJoined) response.end(bytes);
  else response.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'), 'latin1');
}

/** Throws when the answer could not be sent whole. */
async function deliver(response: ServerResponse, answer: RegistryResponse, parts: AnswererParts): Promise<void> {
  const body = await openBody(response.req, answer);
  try {
    writeHead(response, answer);
    if (await sendBody(response, body, parts)) {
      await finish(response);
    } else {
      response.req.socket.destroy();
    }
  } finally {
    if (body.kind === 'file') await body.handle.close();
  }
}

function hasContent(request: IncomingMessage, { status }: RegistryResponse): boolean {
  return request.method !== 'HEAD' && status !== 204 && status !== 304;
}

async function openBody(request: IncomingMessage, answer: RegistryResponse): Promise<OpenBody> {
  const { body } = answer;
  if (!hasContent(request, answer)) return { kind: 'empty' };
  if (body.kind !== 'file') return body;
  const opened = await openRange(body);
  return opened.kind === 'bytes' ? opened : { kind: 'file', handle: opened.handle, body };
}

function writeHead(response: ServerResponse, { status, headers }: RegistryResponse): void {
  response.strictContentLength = true;
  const closing = isUnread(response.req) && !fitsDrain(response.req) ? { Connection: 'close' } : undefined;
  if (response.writeHead === ServerResponse.prototype.writeHead) {
    // `setHeader` checks and sorts what it gets, which took a fifth of a small answer; a middleware with a `writeHead` of its own counts on it.
    response.writeHead(status, toLines({ ...headers, ...closing }));
  } else {
    for (const [name, value] of Object.entries({ ...headers, ...closing })) response.setHeader(name, value);
    response.writeHead(status);
  }
}

/** Names and values in turn, as `writeHead` takes them quickest. */
function toLines(headers: ResponseHeaders): (string | string[])[] {
  const lines: (string | string[])[] = [];
  for (const name in headers) {
    const value = headers[name] ?? '';
    lines.push(name, typeof value === 'string' ? value : [...value]);
  }
  return lines;
}

/** Returns false when the client went away. */
async function sendBody(response: ServerResponse, body: OpenBody, parts: AnswererParts): Promise<boolean> {
  if (body.kind === 'empty') {
    response.flushHeaders();
    return true;
  }
  const sink = openSink(response, parts.watch, parts.onError);
  try {
    switch (body.kind) {
      case 'bytes':
        return await sink.write(body.bytes);
      case 'file':
        return await parts.sendFile(body.handle, body.body, sink);
      case 'stream':
        for await (const chunk of body.stream) {
          if (!(await sink.write(chunk))) return false;
        }
        return true;
    }
  } finally {
    sink.close();
  }
}

/** Ends an answer whose bytes are sent. The connection is not given up while the client may still be sending: closing it would take the
 *  answer from a client that has not read it yet. */
async function finish(response: ServerResponse): Promise<void> {
  const { req: request } = response;
  // A client that was not told to continue sends no body.
  if (!isUnread(request) || awaitsContinue(request) || (await drainBody(request))) response.end();
  else request.socket.destroy();
}

function isUnread(request: IncomingMessage): boolean {
  return hasBody(request) && !request.complete;
}

/** Whether the rest of the body is known to be short enough to be taken, so that the connection can stay. */
function fitsDrain(request: IncomingMessage): boolean {
  return (
    !awaitsContinue(request) &&
    Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY) <= drainLimits.bytes
  );
}
