import type { RegistryRequest, RegistryResponse } from '@moorage/registry';
import type { AnswerMessage, CallMessage } from './messages.ts';

/** Tells another thread something; what is in `transfer` is gone here. */
export type Tell<Message> = (message: Message, transfer?: ArrayBuffer[]) => void;

/** The way to another thread for requests that it is to answer. */
export interface HandOn {
  handle(request: RegistryRequest): Promise<RegistryResponse>;
  receive(message: AnswerMessage): void;
}

/** A request that another thread answers. */
class Call {
  readonly answered: PromiseWithResolvers<RegistryResponse> = Promise.withResolvers();
  isAnswered = false;
  isReading = false;
  #wanted = 0;
  #wake = (): void => undefined;

  /** So many more chunks may be sent. */
  want(chunks: number): void {
    this.#wanted += chunks;
    this.#wake();
  }

  answer(response: RegistryResponse): void {
    this.isAnswered = true;
    this.answered.resolve(response);
    this.#wake();
  }

  /** Resolves when a chunk may be sent, or none will be wanted any more. */
  async untilWanted(): Promise<void> {
    while (this.#wanted === 0 && !this.isAnswered) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wanted -= 1;
  }
}

/** Hands requests on to another thread. A body is read as that one wants its chunks, so that a client which waits to be told to continue is told so by the same decision as there. */
export function createHandOn(tell: Tell<CallMessage>): HandOn {
  const calls = new Map<number, Call>();
  let lastId = 0;

  async function sendBody(id: number, call: Call, body: RegistryRequest['body']): Promise<void> {
    const source = body[Symbol.asyncIterator]();
    for (;;) {
      await call.untilWanted();
      if (call.isAnswered) {
        await source.return?.();
        return;
      }
      call.isReading = true;
      const { done, value } = await source.next();
      call.isReading = false;
      // Whoever sends the answer takes the rest of the body.
      if (call.isAnswered) return;
      if (done) return tell({ call: id, bodyEnd: true });
      const chunk = new Uint8Array(value); // a copy: the memory of `value` is its reader's
      tell({ call: id, chunk }, [chunk.buffer]);
    }
  }

  return {
    async handle(request) {
      const { method, target, headers, origin, address, signal } = request;
      lastId += 1;
      const id = lastId;
      const call = new Call();
      const tellGone = (reason: unknown) =>
        tell({ call: id, gone: reason instanceof Error ? reason.message : String(reason) });
      calls.set(id, call);
      signal.addEventListener('abort', () => tellGone(signal.reason));
      tell({ call: id, request: { method, target, headers: { ...headers }, origin, address } });
      if (signal.aborted) tellGone(signal.reason);
      const sent = sendBody(id, call, request.body).catch(tellGone);
      const response = await call.answered.promise;
      calls.delete(id);
      // Else it is left to wait for a client that sends nothing.
      if (!call.isReading) await sent;
      return response;
    },
    receive(message) {
      const call = calls.get(message.answered);
      if ('wanted' in message) call?.want(message.wanted);
      else call?.answer(message.response);
    },
  };
}
