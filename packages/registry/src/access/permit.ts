import { OciError } from '../oci/error.ts';
import type { RepositoryName } from '../oci/name.ts';
import type { MetadataStore, RepositoryRecord, RepositoryTarget } from '../storage/metadata-store.ts';

declare const permitBrand: unique symbol;

/** What somebody wants to do with a repository. */
export type Action = 'pull' | 'push' | 'delete' | 'manage';

/** Somebody whom the application knows. */
export interface Identity {
  /** Names the identity in rows and messages; stable. */
  readonly id: string;
  readonly groups?: readonly string[];
  readonly admin?: boolean;
}

/** What is asked before every act on a repository. */
export interface AuthorizeRequest {
  /** Undefined: nobody is logged in. */
  readonly identity: Identity | undefined;
  readonly action: Action;
  readonly name: string;
  /** Undefined: there is no repository of that name, and a push would make it. */
  readonly repository:
    | { readonly name: string; readonly visibility: 'public' | 'private'; readonly createdBy: string | undefined }
    | undefined;
}

/** Who may do what: `'open'` lets everyone do everything, or a decision of the application. It is asked at each request on each door. */
export type AccessOptions = 'open' | { authorize(request: AuthorizeRequest): boolean | Promise<boolean> };

/** Proof that `action` on `repository` was allowed to `identity`. Everything in `registry/` that acts on a repository wants one, and only this file makes one. */
export interface Permit<A extends Action = Action> {
  readonly repository: RepositoryTarget;
  readonly identity: Identity | undefined;
  readonly action: A;
  readonly [permitBrand]: true;
}

/** The one decision point of a registry. */
export interface Access {
  /** The permit, or undefined where it is refused. */
  findPermit<A extends Action>(
    identity: Identity | undefined,
    action: A,
    name: RepositoryName,
  ): Promise<Permit<A> | undefined>;
  /** The permit; else `NAME_UNKNOWN` to who wants to read, since a private repository must look like none, and `DENIED` to who wants to write. */
  getPermit<A extends Action>(identity: Identity | undefined, action: A, name: RepositoryName): Promise<Permit<A>>;
}

export function createAccess(options: AccessOptions, metadata: Pick<MetadataStore, 'findRepository'>): Access {
  async function decide(
    identity: Identity | undefined,
    action: Action,
    name: RepositoryName,
  ): Promise<RepositoryTarget | undefined> {
    const repository = await metadata.findRepository(name);
    const isAllowed =
      options === 'open' || (await options.authorize({ identity, action, name, repository: publicPart(repository) }));
    return isAllowed ? { id: repository?.id, name } : undefined;
  }

  const findPermit: Access['findPermit'] = async (identity, action, name) => {
    const repository = await decide(identity, action, name);
    return repository === undefined ? undefined : makePermit({ repository, identity, action });
  };

  return {
    findPermit,
    async getPermit(identity, action, name) {
      const permit = await findPermit(identity, action, name);
      if (permit !== undefined) return permit;
      if (action === 'pull') throw new OciError('NAME_UNKNOWN');
      throw new OciError(
        'DENIED',
        `${identity?.id ?? 'An anonymous caller'} may not ${action} ${action === 'push' ? 'to' : 'in'} ${name}.`,
      );
    },
  };
}

function makePermit<A extends Action>(permit: Omit<Permit<A>, typeof permitBrand>): Permit<A> {
  return permit as Permit<A>;
}

function publicPart(repository: RepositoryRecord | undefined): AuthorizeRequest['repository'] {
  if (repository === undefined) return undefined;
  const { name, visibility, createdBy } = repository;
  return { name, visibility, createdBy };
}
