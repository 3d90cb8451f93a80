import type { Access, Action, Identity, Permit } from '../access/permit.ts';
import { parseRepositoryName } from '../oci/name.ts';
import type { Blobs } from '../registry/blobs.ts';
import type { Manifests } from '../registry/manifests.ts';
import type { Referrers } from '../registry/referrers.ts';
import type { Repositories } from '../registry/repositories.ts';
import type { Settings } from '../registry/settings.ts';
import type { Tags } from '../registry/tags.ts';
import type { Uploads } from '../registry/uploads.ts';
import type { RegistryRequest, RegistryResponse } from './message.ts';
import type { Urls } from './urls.ts';

/** What endpoints act through. */
export interface Deps {
  readonly access: Access;
  readonly uploads: Uploads;
  readonly blobs: Blobs;
  readonly manifests: Manifests;
  readonly tags: Tags;
  readonly referrers: Referrers;
  readonly repositories: Repositories;
  readonly settings: Settings;
  readonly urls: Urls;
}

/** A request whose route was found. */
export interface RouteRequest extends Pick<RegistryRequest, 'headers' | 'body' | 'signal'> {
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
export type Endpoint = (deps: Deps, caller: Identity | undefined, request: RouteRequest) => Promise<RegistryResponse>;

/** What a row of the routes needs to be allowed: an action on its repository; a list, of what the caller may pull; an identity, where one is required at all. */
export type RouteAction = Action | 'identity' | 'list';

/** The action of a row and its endpoint, which gets a permit for that action and cannot be reached without one. */
export function onRepository<A extends Action>(
  action: A,
  endpoint: RepositoryEndpoint<A>,
): { action: A; handle: Endpoint } {
  return {
    action,
    async handle(deps, caller, request) {
      const permit = await deps.access.getPermit(caller, action, parseRepositoryName(request.params.name));
      return endpoint(deps, permit, request);
    },
  };
}
