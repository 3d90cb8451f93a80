import type { Access, Identity } from '../access/permit.ts';
import type { RepositoryName } from '../oci/name.ts';
import type { Page, PageRequest } from '../storage/metadata-store.ts';
import type { Needs } from './needs.ts';

/** Repositories of a registry. */
export interface Repositories {
  /** Names of repositories that hold a manifest and that the caller may pull, in byte order (`_catalog`). A page may be shorter than asked for, and still have more after it. */
  list(access: Access, identity: Identity | undefined, page: PageRequest<RepositoryName>): Promise<CatalogPage>;
}

/** A page of the catalog; `last` is the name from which the next one goes on, which need not be in it. */
export interface CatalogPage extends Page<RepositoryName> {
  readonly last: RepositoryName | undefined;
}

/** Names that one page asks the decision about, so that a caller who may see few of many does not hold the registry up. */
const maximumAsked = 1000;

export function createRepositories({ metadata }: Needs): Repositories {
  return {
    async list(access, identity, { after, limit }) {
      if (limit === 0) return { items: [], hasMore: false, last: undefined };
      const candidates = await metadata.listRepositories({ after, limit: maximumAsked });
      const items: RepositoryName[] = [];
      let last: RepositoryName | undefined;
      for (const name of candidates) {
        if (items.length === limit) return { items, hasMore: true, last };
        last = name;
        if ((await access.findPermit(identity, 'pull', name)) !== undefined) items.push(name);
      }
      return { items, hasMore: candidates.length === maximumAsked, last };
    },
  };
}
