import type { AccessStore, Role } from '../storage/access-records.ts';
import type { Action, AuthorizeRequest, Identity, VisibleRequest } from './identity.ts';

/** Who may make a repository of which name: anyone who is logged in, everyone below their own name (`alice/…`), or administrators alone. */
export type RepositoryCreation = 'anyone' | 'namespace' | 'administrators';

const allowedBy: Readonly<Record<Role, readonly Action[]>> = {
  owner: ['pull', 'push', 'delete', 'manage'],
  contributor: ['pull', 'push', 'delete'],
  reader: ['pull'],
};

/** The default decision: it reads the registry's own rows. Administrators may do all; public repositories may be pulled by everyone; everything else is by a role on the repository or
 *  a namespace above it, held by the identity or one of its groups. Whoever may make a repository may pull from its name before it is there. */
export function repositoryRoles(
  store: Pick<AccessStore, 'findRoles'>,
  { creation = 'anyone' }: { readonly creation?: RepositoryCreation } = {},
): (request: AuthorizeRequest) => Promise<boolean> {
  return async ({ identity, action, name, repository }) => {
    if (identity?.admin === true) return true;
    if (repository?.visibility === 'public' && action === 'pull') return true;
    if (identity === undefined) return false;
    // A robot's list is its right, and it was given by who may give it; no more than the list is let through in any case.
    if (identity.isRobot === true) return action !== 'manage';
    const roles = await store.findRoles(name, subjectsOf(identity));
    if (roles.some((role) => allowedBy[role].includes(action))) return true;
    return repository === undefined && (action === 'pull' || action === 'push') && mayCreate(identity, name, creation);
  };
}

/** What the default decision lets somebody see, beside it; undefined: everything, or nothing that could be told. */
export function visibleByRoles(
  store: Pick<AccessStore, 'listVisible'>,
): (request: VisibleRequest) => Promise<readonly string[] | undefined> {
  return async ({ identity, after, limit }) => {
    if (identity?.admin === true) return undefined;
    return store.listVisible(identity === undefined ? [] : subjectsOf(identity), { after, limit });
  };
}

function subjectsOf({ id, groups = [] }: Identity): readonly string[] {
  return [id, ...groups.map((group) => `@${group}`)];
}

function mayCreate({ id }: Identity, name: string, creation: RepositoryCreation): boolean {
  switch (creation) {
    case 'anyone':
      return true;
    case 'namespace':
      return name.startsWith(`${id}/`);
    case 'administrators':
      return false;
  }
}
