import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { createRegistry, type Registry } from '@moorage/registry';
import { filesystem } from '@moorage/registry/filesystem';
import { serverOptions, toNodeHandler, tuneServer } from '@moorage/registry/node';
import { sqlite } from '@moorage/registry/sqlite';
import type { Logger } from 'pino';
import { lockDataDirectory } from './data-lock.ts';
import { ExitError } from './exit-error.ts';
import { createGreeter } from './greeter.ts';
import { answerOther } from './health.ts';
import { createLog, logRequest } from './log.ts';
import type { Settings } from './settings.ts';
import { explainStartFailure } from './start-failure.ts';
import { drain, untilSignalled } from './stop.ts';
import { sweepRegularly } from './sweep-regularly.ts';

/** What the server knows besides its settings. */
export interface Surroundings {
  /** Directory that relative paths start from. */
  readonly directory: string;
  readonly version: string;
}

/** Runs the server until a signal stops it; resolves once requests in flight have ended and storage is closed.
 *  Rejects with an `ExitError` when the settings or the host do not let it run. */
export async function serve(settings: Settings, { directory, version }: Surroundings): Promise<void> {
  if (!settings.open) {
    throw new ExitError(
      'Accounts do not exist yet, so the server runs only with --open: everyone who reaches its address may then pull, push and delete without logging in.',
    );
  }
  const signalled = untilSignalled();
  const log = createLog(settings);
  const data = resolve(directory, settings.data);
  const greeter = createGreeter({ settings, data, version, log });
  const metadata = sqlite({ file: join(data, 'registry.db') });
  const blobs = filesystem({ directory: join(data, 'blobs') });
  const registry = createRegistry({
    ...registryOptions(settings),
    metadata,
    blobs,
    access: 'open',
    onError: (err, { requestId, method, target }) => log.error({ requestId, method, path: target, err }, 'fault'),
    onRequest(report) {
      logRequest(log, report);
      greeter.seeRequest(report);
    },
  });
  try {
    await blobs.ready(); // makes the directory, and refuses one whose locks cannot be trusted
    const lock = lockDataDirectory(data);
    try {
      await registry.ready();
      const server = await listen(registry, { settings, version, log });
      const repositories = await metadata.listRepositories({ after: undefined, limit: 1 });
      greeter.welcome(server.address() as AddressInfo, { isEmpty: repositories.length === 0 });
      const sweeper = sweepRegularly(registry, log);
      log.info({ signal: await signalled }, 'stopping');
      await Promise.all([sweeper.stop(), drain(server, settings['limits.drainSeconds'] * 1000)]);
    } finally {
      await registry.close({ drainMs: 1000 });
      lock.close();
    }
    log.info('stopped');
  } catch (error) {
    throw explainStartFailure(error, { data, ...settings.listen });
  }
}

/** Starts the HTTP server; resolves once it accepts connections. */
async function listen(registry: Registry, options: { settings: Settings; version: string; log: Logger }) {
  const { settings, version, log } = options;
  const handle = toNodeHandler(registry, { onError: (err) => log.error({ err }, 'an answer could not be sent') });
  const about = { version, ready: () => registry.ready() };
  const server = createServer(serverOptions, (request, response) =>
    handle(request, response, () => answerOther(request, response, about)),
  );
  tuneServer(server, registry, {
    idleTimeoutMs: settings['limits.idleTimeoutSeconds'] * 1000,
    maxHeaderBytes: settings['limits.maxHeaderBytes'],
  });
  server.listen(settings.listen);
  await once(server, 'listening');
  return server;
}

/** What the registry takes from the settings. */
function registryOptions(settings: Settings) {
  return {
    publicUrl: settings.publicUrl,
    uploads: { ttlSeconds: settings['uploads.ttlSeconds'], contentTypes: settings['uploads.contentTypes'] },
    push: { leaseSeconds: settings['push.leaseSeconds'] },
    manifests: {
      maxBytes: settings['manifests.maxBytes'],
      sparse: settings['manifests.sparse'],
      defaultMediaType: settings['manifests.defaultMediaType'],
    },
    deletes: { manifests: settings['deletes.manifests'], blobs: settings['deletes.blobs'] },
    repositories: { visibility: settings['repositories.visibility'] },
  };
}
