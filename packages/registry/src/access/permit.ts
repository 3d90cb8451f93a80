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
  /** Undefined: there is no repository of that name, and a push would make it. Decide on pull as for a private repository: else who may not see one can tell it from none. */
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
  /** Whether the identity may pull everything, so that lists need not ask for each. */
  seesAll(identity: Identity | undefined): boolean;
  /** Whether the identity may pull the repository: the decision of `findPermit`, for a row that is at hand. */
  sees(identity: Identity | undefined, repository: RepositoryRecord): Promise<boolean>;
  /** The permit; else `NAME_UNKNOWN` to who wants to read, since a private repository must look like none, and `DENIED` to who wants to write. */
  getPermit<A extends Action>(identity: Identity | undefined, action: A, name: RepositoryName): Promise<Permit<A>>;
}

export function createAccess(options: AccessOptions, metadata: Pick<MetadataStore, 'findRepository'>): Access {
  async function isAllowed(
    request: Omit<AuthorizeRequest, 'repository'>,
    repository: RepositoryRecord | undefined,
  ): Promise<boolean> {
    return options === 'open' || options.authorize({ ...request, repository: publicPart(repository) });
  }

  const findPermit: Access['findPermit'] = async (identity, action, name) => {
    const repository = await metadata.findRepository(name);
    const mayAct = await isAllowed({ identity, action, name }, repository);
    return mayAct ? makePermit({ repository: { id: repository?.id, name }, identity, action }) : undefined;
  };

  return {
    findPermit,
    seesAll: () => options === 'open',
    sees: (identity, repository) => isAllowed({ identity, action: 'pull', name: repository.name }, repository),
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
