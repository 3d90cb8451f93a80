import { join, resolve } from 'node:path';
import {
  type AccessOptions,
  createRegistry,
  type MetadataStore,
  type Registry,
  type RegistryOptions,
  type RequestReport,
  type TokenServer,
} from '@moorage/registry';
import { type FilesystemStore, filesystem, type SharedFiles } from '@moorage/registry/filesystem';
import type { Logger } from 'pino';
import { type Accounts, createAccounts } from './accounts/accounts.ts';
import { accountsFile } from './data-files.ts';
import { type OutsideIdentities, openIdentities } from './identities/open-identities.ts';
import { logFault, logRequest } from './log.ts';
import type { Settings } from './settings.ts';

/** What a registry by the settings stands on. */
export interface RegistryNeeds {
  readonly settings: Settings;
  /** Directory that relative paths start from. */
  readonly directory: string;
  /** What the settings say of one. */
  readonly tokenServer: TokenServer | undefined;
  readonly metadata: MetadataStore;
  /** Of the store of blobs in another thread. */
  readonly sharedFiles: SharedFiles | undefined;
  readonly log: Logger;
  readonly limit: RegistryOptions['limit'];
  /** Where ids are not to be the library's own. */
  readonly randomId: (() => string) | undefined;
  /** Hears of each request, after it was logged. */
  seeRequest(report: RequestReport): void;
}

/** A registry by the settings, and the parts of it that its server asks. */
export interface OpenedRegistry {
  readonly registry: Registry;
  /** Undefined: everything is open. */
  readonly accounts: Accounts | undefined;
  readonly identities: OutsideIdentities | undefined;
  readonly blobs: FilesystemStore;
}

/** Makes the registry that the settings describe. Rejects with an `ExitError` where they contradict each other. */
export async function openRegistry(needs: RegistryNeeds): Promise<OpenedRegistry> {
  const { settings, directory, tokenServer, metadata, sharedFiles, log, limit, randomId } = needs;
  const data = resolve(directory, settings.data);
  const blobs = filesystem({
    directory: join(data, 'blobs'),
    reserveBytes: settings['uploads.reserveBytes'],
    ...(sharedFiles && { shared: sharedFiles }),
  });
  const accounts = settings.open ? undefined : createAccounts({ file: accountsFile(data) });
  const identities = await openIdentities({ settings, directory, accounts, metadata, log });
  const registry = createRegistry({
    ...optionsOf(settings),
    ...(limit && { limit }),
    ...(randomId && { sources: { randomId } }),
    metadata,
    blobs,
    access: accessOf(accounts, { settings, tokenServer, identities }),
    onError: (error, request) => logFault(log, error, request),
    onRequest(report) {
      logRequest(log, report);
      needs.seeRequest(report);
    },
  });
  return { registry, accounts, identities, blobs };
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

function optionsOf(settings: Settings) {
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
    tokens: { ttlSeconds: settings['tokens.ttlSeconds'] },
    repositories: { visibility: settings['repositories.visibility'] },
  };
}
