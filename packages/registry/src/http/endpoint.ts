import type { AccessTokens } from '../access/access-tokens.ts';
import type { Audit } from '../access/audit.ts';
import type { Callers } from '../access/callers.ts';
import type { Action, Caller } from '../access/identity.ts';
import type { Keys } from '../access/keys.ts';
import type { Access, Permit } from '../access/permit.ts';
import type { Tokens } from '../access/tokens.ts';
import { OciError } from '../oci/error.ts';
import { parseRepositoryName, type RepositoryName } from '../oci/name.ts';
import type { Blobs } from '../registry/blobs.ts';
import type { Manifests } from '../registry/manifests.ts';
import type { Pulls } from '../registry/pulls.ts';
import type { Referrers } from '../registry/referrers.ts';
import type { Repositories } from '../registry/repositories.ts';
import type { Settings } from '../registry/settings.ts';
import type { Tags } from '../registry/tags.ts';
import type { Uploads } from '../registry/uploads.ts';
import type { Challenger } from './challenge.ts';
import type { RegistryRequest, RegistryResponse } from './message.ts';
import type { Urls } from './urls.ts';

/** What endpoints act through. */
export interface Deps {
  readonly access: Access;
  readonly audit: Audit;
  readonly callers: Callers;
  readonly tokens: Tokens;
  readonly accessTokens: AccessTokens;
  readonly keys: Keys;
  readonly challenger: Challenger;
  readonly uploads: Uploads;
  readonly blobs: Blobs;
  readonly manifests: Manifests;
  readonly pulls: Pulls;
  readonly tags: Tags;
  readonly referrers: Referrers;
  readonly repositories: Repositories;
  readonly settings: Settings;
  readonly urls: Urls;
}

/** A request whose route was found. */
export interface RouteRequest extends Pick<RegistryRequest, 'headers' | 'body' | 'signal' | 'address'> {
  /** The parts of the path that the route's `<…>` stand for, as they came; `''` where the route has no such part. */
  readonly params: { readonly name: string; readonly reference: string; readonly session: string };
  readonly query: URLSearchParams;
  /** HEAD: the answer is that of GET, and its body need not be read. */
  readonly isHead: boolean;
}

/** Answers a request on a repository, for which there is a permit. */
export type RepositoryEndpoint<A extends Action> = (
  deps: Deps,
  permit: Permit<A>,
  request: RouteRequest,
) => Promise<RegistryResponse>;

/** Answers a request on no repository. */
export type Endpoint = (deps: Deps, caller: Caller, request: RouteRequest) => Promise<RegistryResponse>;

/** What a row of the routes needs to be allowed: an action on its repository; a list, of what the caller may pull; an identity, where anybody can have one; nothing at all, where one is
 *  just being shown. */
export type RouteAction = Action | 'identity' | 'list' | 'none';

/** What is special about a row on a repository. */
export interface RowOptions {
  /** Another repository that the request pulls from. */
  alsoPulls?(request: RouteRequest): RepositoryName | undefined;
  /** The answer where there is no such repository, or none that the caller may know of, which must look alike; without it `NAME_UNKNOWN`. */
  answerUnknown?(request: RouteRequest): RegistryResponse;
}

/** The action of a row and its endpoint, which gets a permit for that action and cannot be reached without one. */
export function onRepository<A extends Action>(
  action: A,
  endpoint: RepositoryEndpoint<A>,
  { alsoPulls, answerUnknown }: RowOptions = {},
): { action: A; handle: Endpoint } {
  return {
    action,
    async handle(deps, caller, request) {
      const name = parseRepositoryName(request.params.name);
      let permit: Permit<A>;
      try {
        permit = await deps.access.getPermit(caller, { action, name, alsoPulls: alsoPulls?.(request) });
      } catch (error) {
        if (!(error instanceof OciError)) throw error;
        // A client that looks before it pushes gives up at a 403 without words: its push then gets them.
        if (error.code === 'DENIED' && action === 'pull' && request.isHead)
          throw new OciError('NAME_UNKNOWN', undefined, { cause: error });
        if (error.code !== 'NAME_UNKNOWN' || answerUnknown === undefined) throw error;
        return answerUnknown(request);
      }
      return endpoint(deps, permit, request);
    },
  };
}

/** The action of a row on no repository, for callers who are somebody where anybody can be. */
export function onRegistry(
  action: 'identity' | 'list',
  endpoint: Endpoint,
): { action: 'identity' | 'list'; handle: Endpoint } {
  return {
    action,
    handle(deps, caller, request) {
      deps.access.checkIdentity(caller, action);
      return endpoint(deps, caller, request);
    },
  };
}
