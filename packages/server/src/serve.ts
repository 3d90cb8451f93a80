import { resolve } from 'node:path';
import process from 'node:process';
import type { MetadataStore, RequestReport } from '@moorage/registry';
import { sqlite } from '@moorage/registry/sqlite';
import type { Accounts } from './accounts/accounts.ts';
import type { Login } from './banner.ts';
import { recordCommand } from './commands/record.ts';
import { metadataFile, refusalsFile } from './data-files.ts';
import { lockDataDirectory } from './data-lock.ts';
import { noticeDeletes } from './delete-notice.ts';
import { createGreeter } from './greeter.ts';
import { listen, publicHostOf } from './listen.ts';
import { createLog, openLog } from './log.ts';
import { openRegistry } from './open-registry.ts';
import { createLimit } from './rate-limits.ts';
import { keepRefusals } from './refusals/keep-refusals.ts';
import type { Settings } from './settings.ts';
import { explainStartFailure } from './start-failure.ts';
import { untilSignalled } from './stop.ts';
import { countThreads } from './threads/count-threads.ts';
import { startHttpThreads } from './threads/http-threads.ts';
import { idsOf, routeToOwners } from './threads/owners.ts';
import { tellOfTlsHellos } from './tls/wrong-scheme.ts';
import { readTokenServer } from './token-server.ts';
import { watchUnfedUploads } from './unfed-uploads.ts';

/** What the server knows besides its settings. */
export interface Surroundings {
  /** Directory that relative paths start from. */
  readonly directory: string;
  readonly version: string;
}

/** Runs the server until a signal stops it; resolves once requests in flight have ended and storage is closed.
 *  Rejects with an `ExitError` when the settings or the host do not let it run. */
export async function serve(settings: Settings, { directory, version }: Surroundings): Promise<void> {
  // Somebody who closes the terminal means the server; elsewhere SIGHUP is how programs that renew certificates ask for them to be read.
  const signalled = untilSignalled({ hangupStops: settings.tls?.kind !== 'files' || process.stdin.isTTY === true });
  const place = { index: 0, count: countThreads(settings) };
  const tokenServer = readTokenServer(settings, directory);
  const destination = openLog(settings);
  const log = createLog(settings, destination);
  const data = resolve(directory, settings.data);
  const greeter = createGreeter({ settings, data, version, log });
  const refusals = keepRefusals({ file: refusalsFile(data), log });
  const metadata = sqlite({ file: metadataFile(data) });
  const limit = createLimit(settings);
  const seeTlsHello = tellOfTlsHellos(log, publicHostOf(settings));
  const watchers = [greeter, watchUnfedUploads(log), noticeDeletes(log)];
  const watch = (report: RequestReport) => {
    for (const watcher of watchers) watcher.seeRequest(report);
  };
  const { registry, accounts, identities, blobs } = await openRegistry({
    ...{ settings, directory, tokenServer, metadata, log, limit },
    seeRequest(report) {
      watch(report);
      refusals.seeRequest(report);
    },
    sharedFiles: undefined,
    randomId: idsOf(place),
  });
  try {
    await blobs.ready(); // makes the directory, and refuses one whose locks cannot be trusted
    const lock = lockDataDirectory(data);
    try {
      accounts?.refuseNewer();
      await registry.ready();
      await identities?.ready();
      const threads = await startHttpThreads({
        ...{ settings, directory, tokenServer, version, metadata, limit, count: place.count },
        ...{ files: blobs.shared, seeTlsHello },
        handle: (request) => handler.handle(request),
        writeLog: (entry) => destination.write(entry),
        keepRefusal: refusals.keep,
        seeRequest: watch,
      });
      const handler = routeToOwners(registry, place, threads.thread);
      const { address, tls, drain } = await listen(handler, {
        ...{ settings, version, log, directory, data, seeTlsHello },
        address: settings.listen,
        sharing: place.count > 1 ? 'begins' : 'none',
        ready: () => registry.ready(),
        loginDocument: identities?.loginDocument,
      });
      const repositories = await metadata.listRepositories({ after: undefined, limit: 1 });
      const login = accounts && (await findLogin(accounts, { metadata, settings }));
      await threads.listen({ host: settings.listen.host, port: address.port });
      greeter.welcome(address, { tls, isEmpty: repositories.length === 0, login });
      registry.keepSwept();
      log.info({ signal: await Promise.race([signalled, threads.failed]) }, 'stopping');
      const drainMs = settings['limits.drainSeconds'] * 1000;
      await Promise.all([drain(drainMs), threads.drain(drainMs)]);
      await threads.close();
    } finally {
      await registry.close({ drainMs: 1000 });
      refusals.close();
      accounts?.close();
      lock.close();
    }
    log.info('stopped');
  } catch (error) {
    throw explainStartFailure(error, { data, ...settings.listen });
  }
}

/** Whose name to log in with: the first start makes an administrator, whose password is known only now. With a token server outside it makes none: whoever got that name there
 *  would be the administrator here. */
async function findLogin(
  { users }: Accounts,
  { metadata, settings }: { readonly metadata: MetadataStore; readonly settings: Settings },
): Promise<Login> {
  const first = settings['tokenServer.realm'] === undefined ? await users.addFirst() : undefined;
  if (first === undefined) {
    return { name: users.list().find((user) => user.isAdmin && !user.isDisabled)?.name ?? 'NAME' };
  }
  await recordCommand(metadata, 'user-add', { about: `${first.name} as administrator, at the first start` });
  return first;
}
