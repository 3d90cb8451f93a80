import type { AccessTokens } from './access/access-tokens.ts';
import { type AccessOptions, createDoors } from './access/doors.ts';
import { anonymous, application, type Identity } from './access/identity.ts';
import { createAccess } from './access/permit.ts';
import { parseNamePattern } from './access/scope.ts';
import { type FetchHandler, toFetchHandler } from './adapters/fetch.ts';
import type { Challenger } from './http/challenge.ts';
import { createDispatch, type DispatchOptions } from './http/dispatch.ts';
import type { RegistryHandler } from './http/handler.ts';
import { type Reports, tell } from './http/reports.ts';
import { createUrls } from './http/urls.ts';
import { createBlobs } from './registry/blobs.ts';
import type { Hooks } from './registry/events.ts';
import { createEvents, type Events } from './registry/hooks.ts';
import { createManifests } from './registry/manifests.ts';
import type { Needs } from './registry/needs.ts';
import { createOperations, type Operations } from './registry/operations.ts';
import { createPulls } from './registry/pulls.ts';
import { randomIds } from './registry/random-ids.ts';
import { createReferrers } from './registry/referrers.ts';
import { createRepositories } from './registry/repositories.ts';
import { type SettingsInput, type Sources, withDefaults } from './registry/settings.ts';
import { createTags } from './registry/tags.ts';
import { createUploads } from './registry/uploads.ts';
import { sumUsage, type Usage } from './registry/usage.ts';
import type { BlobStore } from './storage/blob-store.ts';
import type { ExpiredContent, MetadataStore } from './storage/metadata-store.ts';
import { type Repetition, repeat } from './upkeep/repeat.ts';
import { type SweepResult, sweep } from './upkeep/sweep.ts';

/** What a registry is made of. */
export interface RegistryOptions extends SettingsInput, Reports, Hooks, Pick<DispatchOptions, 'limit'> {
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  /** Who may do what. Required: no guess is safe. */
  readonly access: AccessOptions;
  /** Where `/v2/` lies, without a slash at the end. Docker asks the root of a host for `/v2/`, so another path works only behind a proxy that rewrites it. */
  readonly path?: string;
  /** Scheme and host that clients see, such as `https://hub.example`: makes `Location` and `Link` absolute. Without it they are relative, which no proxy can make wrong. */
  readonly publicUrl?: string | undefined;
  /** Time and randomness, for tests. */
  readonly sources?: Partial<Sources>;
}

/** A registry. It listens on nothing: an adapter hands it requests. Its operations are those of the application itself, which nobody is asked about; those of a user are `as(identity)`. */
export interface Registry extends RegistryHandler, Operations {
  /** For hosts that speak `Request` and `Response`: Hono, Bun, Deno. */
  readonly fetch: FetchHandler;
  /** The operations as somebody: `authorize` is asked at each, and `before` about each change. Undefined: nobody who is logged in. */
  as(identity: Identity | undefined): Operations;
  /** What repositories take and give out: those of a name (`acme/web`), of a namespace (`acme/*`) or, undefined, all. Reads a row for each blob that they hold. `NAME_INVALID`. */
  usage(pattern?: string): Promise<Usage>;
  /** Opens the stores. The first request does it too; asking before tells at start what is wrong. */
  ready(): Promise<void>;
  /** Secrets that stand for identities and robots. */
  readonly accessTokens: AccessTokens;
  /** Makes a new key for bearer tokens; those signed with the one before are good until they expire. */
  rotateKeys(): Promise<void>;
  /** One pass over what nobody needs: expired sessions, tags whose time has come, and bytes that nothing names. Call it now and then. */
  sweep(signal?: AbortSignal): Promise<SweepResult>;
  /** Calls `sweep` now and every `everySeconds` (default: 600) until it is closed, one pass at a time; faults go to `onError`. It keeps no process alive. */
  keepSwept(options?: { readonly everySeconds?: number }): void;
  /** Waits for requests under way, at most `drainMs`, and closes the stores. */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

/** Makes a registry. Does no I/O. */
export function createRegistry(options: RegistryOptions): Registry {
  const { metadata, blobs, path = '/v2', publicUrl } = options;
  const sources: Sources = { now: Date.now, randomId: randomIds(), ...options.sources };
  const settings = withDefaults(options);
  const onError = (error: unknown) => tell(() => options.onError?.(toError(error), undefined));
  const events = createEvents(options, { sources, onError });
  const needs: Needs = { metadata, blobs, settings, sources, events };
  const challenger = challengerOf(options, path);
  const doors = createDoors(options.access, {
    metadata,
    sources,
    service: challenger.service,
    ttlSeconds: settings.tokens.ttlSeconds,
    onError,
  });
  const deps = {
    ...doors,
    challenger,
    uploads: createUploads(needs),
    blobs: createBlobs(needs),
    manifests: createManifests(needs),
    tags: createTags(needs),
    referrers: createReferrers(needs),
    repositories: createRepositories(needs),
    pulls: createPulls({ metadata, events, sources, onError }),
    settings,
    urls: createUrls({ path, publicUrl }),
  };
  const dispatch = createDispatch(deps, { ...options, path, sources });
  const underWay = new Set<Promise<unknown>>();
  const handler: RegistryHandler = {
    owns: (requestPath) => requestPath === path || requestPath.startsWith(`${path}/`),
    handle(request) {
      const answer = dispatch(request);
      underWay.add(answer);
      void answer.then(() => underWay.delete(answer)); // it never rejects
      return answer;
    },
  };

  const sweeps = createSweeps(needs, onError);

  const unasked = createAccess({ authorize: undefined, canLogIn: false, metadata });
  return {
    ...handler,
    ...createOperations({ ...deps, access: unasked }, application),
    as: (identity) => createOperations(deps, { ...anonymous, identity }),
    async usage(pattern) {
      return sumUsage({ metadata, pulls: deps.pulls }, pattern === undefined ? undefined : parseNamePattern(pattern));
    },
    fetch: toFetchHandler(handler),
    accessTokens: deps.accessTokens,
    rotateKeys: () => deps.keys.rotate(),
    async ready() {
      await Promise.all([metadata.ready(), blobs.ready()]);
    },
    sweep: sweeps.once,
    keepSwept: sweeps.keep,
    async close({ drainMs = 10_000 } = {}) {
      await sweeps.stop();
      await settledWithin(underWay, drainMs);
      await deps.pulls.flush();
      await Promise.all([deps.audit.settled(), events.settled()]);
      await Promise.all([metadata.close(), blobs.close()]);
    },
  };
}

/** Whatever an application threw, as what its `onError` is told. */
function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The sweeps of a registry: by hand, or again and again. */
function createSweeps({ metadata, blobs, settings, sources, events }: Needs, onError: (error: unknown) => void) {
  const once = (signal: AbortSignal = new AbortController().signal): Promise<SweepResult> =>
    sweep(
      {
        metadata,
        blobs,
        uploadTtlMs: settings.uploads.ttlSeconds * 1000,
        contentLeaseMs: settings.push.leaseSeconds * 1000,
        holder: sources.randomId(),
        now: sources.now,
        onExpired: (content) => tellExpired(events, content),
      },
      signal,
    );
  let repetition: Repetition | undefined;
  return {
    once,
    keep({ everySeconds = 600 }: { readonly everySeconds?: number } = {}): void {
      repetition ??= repeat(once, { everyMs: everySeconds * 1000, onError });
    },
    stop: async () => repetition?.stop(),
  };
}

function tellExpired(events: Events, { tags, manifests }: ExpiredContent): void {
  for (const { repository, tag, digest } of tags) {
    events.tellOf(repository, { type: 'tag-deleted', tag, digest, isExpired: true });
  }
  for (const { repository, digest } of manifests) {
    events.tellOf(repository, { type: 'manifest-deleted', digest, isExpired: true });
  }
}

async function settledWithin(promises: Iterable<Promise<unknown>>, timeoutMs: number): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, timeoutMs);
  await Promise.race([Promise.allSettled(promises), timeout.promise]);
  clearTimeout(timer);
}

/** Where clients get tokens, and the name that these are made for, by which they are told from those of another registry. */
function challengerOf({ access, publicUrl }: RegistryOptions, path: string): Challenger {
  const server = access === 'open' ? undefined : access.tokenServer;
  if (server !== undefined) return { service: server.service, realm: () => server.realm, isOwn: false };
  const base = publicUrl?.replace(/\/$/, '');
  const service = publicUrl === undefined ? 'moorage' : new URL(publicUrl).host;
  return { service, realm: (origin) => `${base ?? origin ?? ''}${path}/token`, isOwn: true };
}
