import { join, resolve } from 'node:path';
import process from 'node:process';
import { type AccessOptions, createRegistry, type MetadataStore, type TokenServer } from '@moorage/registry';
import { filesystem } from '@moorage/registry/filesystem';
import { sqlite } from '@moorage/registry/sqlite';
import { type Accounts, createAccounts } from './accounts/accounts.ts';
import type { Login } from './banner.ts';
import { recordCommand } from './commands/record.ts';
import { accountsFile, metadataFile, refusalsFile } from './data-files.ts';
import { lockDataDirectory } from './data-lock.ts';
import { noticeDeletes } from './delete-notice.ts';
import { createGreeter } from './greeter.ts';
import { type OutsideIdentities, openIdentities } from './identities/open-identities.ts';
import { listen } from './listen.ts';
import { createLog, logFault, logRequest } from './log.ts';
import { createLimit } from './rate-limits.ts';
import { keepRefusals } from './refusals/keep-refusals.ts';
import type { Settings } from './settings.ts';
import { explainStartFailure } from './start-failure.ts';
import { untilSignalled } from './stop.ts';
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
  const tokenServer = readTokenServer(settings, directory);
  const log = createLog(settings);
  const data = resolve(directory, settings.data);
  const greeter = createGreeter({ settings, data, version, log });
  const refusals = keepRefusals({ file: refusalsFile(data), log });
  const watchers = [greeter, refusals, watchUnfedUploads(log), noticeDeletes(log)];
  const metadata = sqlite({ file: metadataFile(data) });
  const blobs = filesystem({ directory: join(data, 'blobs'), reserveBytes: settings['uploads.reserveBytes'] });
  const accounts = settings.open ? undefined : createAccounts({ file: accountsFile(data) });
  const identities = await openIdentities({ settings, directory, accounts, metadata, log });
  const registry = createRegistry({
    ...registryOptions(settings),
    metadata,
    blobs,
    access: accessOf(accounts, { settings, tokenServer, identities }),
    onError: (error, request) => logFault(log, error, request),
    onRequest(report) {
      logRequest(log, report);
      for (const watcher of watchers) watcher.seeRequest(report);
    },
  });
  try {
    await blobs.ready(); // makes the directory, and refuses one whose locks cannot be trusted
    const lock = lockDataDirectory(data);
    try {
      accounts?.refuseNewer();
      await registry.ready();
      await identities?.ready();
      const { address, tls, drain } = await listen(registry, {
        ...{ settings, version, log, directory, data },
        loginDocument: identities?.loginDocument,
      });
      const repositories = await metadata.listRepositories({ after: undefined, limit: 1 });
      greeter.welcome(address, {
        tls,
        isEmpty: repositories.length === 0,
        login: accounts && (await findLogin(accounts, { metadata, tokenServer })),
      });
      registry.keepSwept();
      log.info({ signal: await signalled }, 'stopping');
      await drain(settings['limits.drainSeconds'] * 1000);
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
  { metadata, tokenServer }: { metadata: MetadataStore; tokenServer: TokenServer | undefined },
): Promise<Login> {
  const first = tokenServer === undefined ? await users.addFirst() : undefined;
  if (first === undefined) {
    return { name: users.list().find((user) => user.isAdmin && !user.isDisabled)?.name ?? 'NAME' };
  }
  await recordCommand(metadata, 'user-add', { about: `${first.name} as administrator, at the first start` });
  return first;
}

/** What says who people are, and so what they may do. */
interface AccessParts {
  readonly settings: Settings;
  readonly tokenServer: TokenServer | undefined;
  readonly identities: OutsideIdentities | undefined;
}

/** Who people are says the accounts, what the settings name beside them, and of those whom only a token server outside knows its token; who may do what, the registry and the rules of workloads. */
function accessOf(accounts: Accounts | undefined, { settings, tokenServer, identities }: AccessParts): AccessOptions {
  if (accounts === undefined) return 'open';
  const { users, authenticate, identify } = accounts;
  const options = { authenticate, identify, creation: settings['repositories.creation'] };
  if (tokenServer === undefined) return { ...options, ...identities?.access };
  return { ...options, tokenServer, identify: (id) => (users.find(id) === undefined ? { id } : identify(id)) };
}

/** What the registry takes from the settings. */
function registryOptions(settings: Settings) {
  const limit = createLimit(settings);
  return {
    publicUrl: settings.publicUrl,
    ...(limit === undefined ? {} : { limit }),
    uploads: { ttlSeconds: settings['uploads.ttlSeconds'], contentTypes: settings['uploads.contentTypes'] },
    push: { leaseSeconds: settings['push.leaseSeconds'] },
    manifests: {
      maxBytes: settings['manifests.maxBytes'],
      sparse: settings['manifests.sparse'],
      defaultMediaType: settings['manifests.defaultMediaType'],
    },
    deletes: { manifests: settings['deletes.manifests'], blobs: settings['deletes.blobs'] },
    tokens: { ttlSeconds: settings['tokens.ttlSeconds'] },
    repositories: { visibility: settings['repositories.visibility'] },
  };
}
