import {
  DisconnectedError,
  type RegistryHandler,
  type RegistryRequest,
  type RegistryResponse,
  type RequestHeaders,
} from '@moorage/registry';
import type { Tell } from './hand-on.ts';
import type { AnswerMessage, CallMessage, PlainRequest, PlainResponse } from './messages.ts';

/** Chunks of a body, of up to 64 KiB, that are on their way. */
const windowChunks = 4;

/** A request whose client is connected to another thread. */
class HandedRequest implements RegistryRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: RequestHeaders;
  readonly origin: string | undefined;
  readonly address: string | undefined;
  readonly #want: (chunks: number) => void;
  readonly #controller = new AbortController();
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  #isEnded = false;
  #wake = (): void => undefined;

  constructor({ method, target, headers, origin, address }: PlainRequest, want: (chunks: number) => void) {
    this.method = method;
    this.target = target;
    this.headers = headers;
    this.origin = origin;
    this.address = address;
    this.#want = want;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get body(): AsyncGenerator<Uint8Array> {
    return this.#read();
  }

  add(chunk: Uint8Array<ArrayBuffer>): void {
    this.#chunks.push(chunk);
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  disconnect(reason: string): void {
    this.#controller.abort(new DisconnectedError(reason));
    this.#wake();
  }

  /** As a body is read where it arrives: what came goes before the error, and the memory of a chunk is given back once the next one is asked for. */
  async *#read(): AsyncGenerator<Uint8Array> {
    this.#want(windowChunks);
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        yield chunk;
        chunk.buffer.transfer(0);
        this.#want(1);
      } else if (this.#isEnded) {
        return;
      } else {
        this.signal.throwIfAborted();
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

/** Answers the requests that one other thread hands on, which it tells through the returned function. */
export function answerHanded(
  handle: RegistryHandler['handle'],
  tell: Tell<AnswerMessage>,
): (message: CallMessage) => void {
  const requests = new Map<number, HandedRequest>();

  async function answer(call: number, request: HandedRequest): Promise<void> {
    const response = await handle(request)
      .then(toPlain)
      .catch(() => failed);
    requests.delete(call);
    const { body } = response;
    tell({ answered: call, response }, body.kind === 'bytes' ? [body.bytes.buffer] : []);
  }

  return (message) => {
    const { call } = message;
    if ('request' in message) {
      const request = new HandedRequest(message.request, (wanted) => tell({ answered: call, wanted }));
      requests.set(call, request);
      void answer(call, request);
    } else {
      const request = requests.get(call);
      if ('chunk' in message) request?.add(message.chunk);
      else if ('gone' in message) request?.disconnect(message.gone);
      else request?.end();
    }
  };
}

/** What is said where a handler breaks its word, which is never to fail. */
const failed: PlainResponse = { status: 500, headers: { 'Content-Length': '0' }, body: { kind: 'empty' } };

function toPlain({ status, headers, body }: RegistryResponse): PlainResponse {
  if (body.kind === 'stream') throw new TypeError('A stream is that of one thread.');
  // A copy: the bytes may be a part of memory that somebody else uses.
  if (body.kind === 'bytes') return { status, headers, body: { kind: 'bytes', bytes: new Uint8Array(body.bytes) } };
  return { status, headers, body };
}
