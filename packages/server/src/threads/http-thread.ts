/** A thread that listens at the address of the main one and answers as it does. The system deals new connections out among those that listen. */
import { resolve } from 'node:path';
import { workerData } from 'node:worker_threads';
import type { LimitRequest, RequestReport } from '@moorage/registry';
import { sqlite } from '@moorage/registry/sqlite';
import { metadataFile, refusalsFile } from '../data-files.ts';
import { listen } from '../listen.ts';
import { createLog } from '../log.ts';
import { openRegistry } from '../open-registry.ts';
import { keepRefusals } from '../refusals/keep-refusals.ts';
import type { ListenAddress } from '../setting-types.ts';
import { answerHanded } from './answer-handed.ts';
import { createHandOn, type Tell } from './hand-on.ts';
import type { FromThread, ThreadData, ToThread } from './messages.ts';
import { idsOf, routeToOwners } from './owners.ts';

async function run(thread: ThreadData): Promise<void> {
  const { settings, directory, tokenServer, version, place, isLimited, writer, port } = thread;
  const tell: Tell<FromThread> = (message, transfer = []) => port.postMessage(message, transfer);
  const data = resolve(directory, settings.data);
  const log = createLog(settings, { write: (logEntry) => tell({ logEntry }) });
  const refusals = keepRefusals({ file: refusalsFile(data), log });
  const questions = createQuestions(tell);
  const { registry, accounts, identities } = await openRegistry({
    ...{ settings, directory, tokenServer, log },
    metadata: sqlite({ file: metadataFile(data), writer }),
    limit: isLimited ? questions.limit : undefined,
    watchers: [refusals, { seeRequest: (report) => isWatched(report) && tell({ report }) }],
    randomId: idsOf(place),
  });
  const main = createHandOn(tell);
  const answer = answerHanded(registry.handle, tell);
  const address = Promise.withResolvers<ListenAddress>();
  const draining = Promise.withResolvers<{ readonly drainMs: number }>();
  const closing = Promise.withResolvers<void>();
  port.on('message', (message: ToThread) => {
    if ('call' in message) answer(message);
    else if ('answered' in message) main.receive(message);
    else if ('question' in message) questions.receive(message);
    else if ('listen' in message) address.resolve(message.listen);
    else if ('drain' in message) draining.resolve(message.drain);
    else closing.resolve();
  });
  await registry.ready();
  await identities?.ready();
  const handler = routeToOwners(registry, place, () => main);
  const { drain } = await listen(handler, {
    ...{ settings, version, log, directory, data },
    address: await address.promise,
    sharing: 'joins',
    ready: () => registry.ready(),
    loginDocument: identities?.loginDocument,
  });
  await drain((await draining.promise).drainMs);
  tell({ drained: true });
  await closing.promise; // until then other threads may hand requests on
  await registry.close({ drainMs: 1000 });
  refusals.close();
  accounts?.close();
  port.close();
}

/** What the watchers of the main thread want to hear of: what a request changed. */
function isWatched({ method, status }: RequestReport): boolean {
  return method !== 'GET' && method !== 'HEAD' && status < 400;
}

/** Asks the main thread, where all requests are counted. */
function createQuestions(tell: Tell<FromThread>) {
  const answers = new Map<number, (seconds: number | undefined) => void>();
  let lastQuestion = 0;
  return {
    limit(limit: LimitRequest): Promise<number | undefined> {
      lastQuestion += 1;
      const question = lastQuestion;
      tell({ question, limit });
      return new Promise((answered) => answers.set(question, answered));
    },
    receive({ question, seconds }: Extract<ToThread, { question: number }>): void {
      answers.get(question)?.(seconds);
      answers.delete(question);
    },
  };
}

await run(workerData as ThreadData);
