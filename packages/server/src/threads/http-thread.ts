/** A thread that listens at the address of the main one and answers as it does. The system deals new connections out among those that listen. */
import { resolve } from 'node:path';
import { workerData } from 'node:worker_threads';
import type { LimitRequest, RequestReport } from '@moorage/registry';
import { sqlite } from '@moorage/registry/sqlite';
import { metadataFile } from '../data-files.ts';
import { listen } from '../listen.ts';
import { createLog } from '../log.ts';
import { openRegistry } from '../open-registry.ts';
import { refusalOf } from '../refusals/refusal.ts';
import type { ListenAddress } from '../setting-types.ts';
import { answerHanded } from './answer-handed.ts';
import { createHandOn, type Tell } from './hand-on.ts';
import type { FromThread, ThreadData, ToThread } from './messages.ts';
import { idsOf, routeToOwners } from './owners.ts';

async function run(thread: ThreadData): Promise<void> {
  const { settings, directory, tokenServer, version, place, isLimited, writer, files, port } = thread;
  const tell: Tell<FromThread> = (message, transfer = []) => port.postMessage(message, transfer);
  const data = resolve(directory, settings.data);
  const log = createLog(settings, { write: (logEntry) => tell({ logEntry }) });
  const questions = createQuestions(tell);
  const { registry, accounts, identities } = await openRegistry({
    ...{ settings, directory, tokenServer, log },
    metadata: sqlite({ file: metadataFile(data), writer }),
    sharedFiles: files,
    limit: isLimited ? questions.limit : undefined,
    seeRequest: (report) => tellWatchers(report, tell),
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
    seeTlsHello: (tlsHello) => tell({ tlsHello }),
    loginDocument: identities?.loginDocument,
  });
  tell({ listening: true });
  await drain((await draining.promise).drainMs);
  tell({ drained: true });
  await closing.promise; // until then other threads may hand requests on
  await registry.close({ drainMs: 1000 });
  accounts?.close();
  port.close();
}

/** Tells the watchers of the main thread what they want to hear of. */
function tellWatchers(report: RequestReport, tell: Tell<FromThread>): void {
  const { method } = report;
  const refusal = refusalOf(report, Date.now());
  if (refusal !== undefined) tell({ refusal });
  // An error may hold what cannot be told to another thread.
  if (method !== 'GET' && method !== 'HEAD') tell({ report: { ...report, error: undefined } });
}

/** Asks the main thread, where all requests are counted. */
function createQuestions(tell: Tell<FromThread>) {
  const answers = new Map<number, PromiseWithResolvers<number | undefined>>();
  let lastQuestion = 0;
  return {
    limit(limit: LimitRequest): Promise<number | undefined> {
      const answer = Promise.withResolvers<number | undefined>();
      lastQuestion += 1;
      answers.set(lastQuestion, answer);
      tell({ question: lastQuestion, limit });
      return answer.promise;
    },
    receive(message: Extract<ToThread, { question: number }>): void {
      const answer = answers.get(message.question);
      answers.delete(message.question);
      if ('failed' in message) answer?.reject(message.failed);
      else answer?.resolve(message.seconds);
    },
  };
}

await run(workerData as ThreadData);
