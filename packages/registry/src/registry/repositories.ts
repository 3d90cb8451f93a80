import type { Caller } from '../access/identity.ts';
import type { Access } from '../access/permit.ts';
import { OciError } from '../oci/error.ts';
import type { RepositoryName } from '../oci/name.ts';
import type { Needs } from './needs.ts';
import { readPage } from './page.ts';

/** Where a page of the catalog begins: after a name, after a place that a page before gave, or at the start. */
export type CatalogStart = { readonly last: RepositoryName } | { readonly place: number } | undefined;

/** A page of the catalog, and where the next one begins; undefined: it is the last. */
export interface CatalogPage {
  readonly items: readonly RepositoryName[];
  readonly next: CatalogStart;
}

/** Repositories of a registry. */
export interface Repositories {
  /** Names of repositories that hold a manifest and that the caller may pull, in byte order (`_catalog`). A page may be shorter than `limit` and still have one after it. */
  list(
    access: Access,
    caller: Caller,
    page: { readonly start: CatalogStart; readonly limit: number },
  ): Promise<CatalogPage>;
}

/** Repositories that one page asks the decision about, so that a caller who may see few of many does not hold the registry up. */
const maximumAsked = 1000;

export function createRepositories({ metadata }: Needs): Repositories {
  async function afterOf(start: CatalogStart): Promise<RepositoryName | undefined> {
    if (start === undefined || 'last' in start) return start?.last;
    const name = await metadata.findRepositoryName(start.place);
    if (name === undefined)
      throw new OciError('UNSUPPORTED', 'This place in the catalog is gone: begin at its start.', { status: 400 });
    return name;
  }

  async function listAll(after: RepositoryName | undefined, limit: number): Promise<CatalogPage> {
    const { items, hasMore } = await readPage({ after, limit }, metadata.listRepositories);
    const names = items.map(({ name }) => name);
    return { items: names, next: hasMore ? lastOf(names) : undefined };
  }

  return {
    async list(access, caller, { start, limit }) {
      const after = await afterOf(start);
      if (limit === 0) return { items: [], next: undefined };
      if (access.seesAll(caller)) return listAll(after, limit);
      const candidates = await metadata.listRepositories({ after, limit: maximumAsked });
      const items: RepositoryName[] = [];
      for (const repository of candidates) {
        if (items.length === limit) return { items, next: lastOf(items) };
        if (await access.sees(caller, repository)) items.push(repository.name);
      }
      // The last one asked about may be one that the caller must not know: its place is told and not its name.
      const place = candidates.at(-1)?.id;
      return { items, next: candidates.length < maximumAsked || place === undefined ? undefined : { place } };
    },
  };
}

function lastOf(names: readonly RepositoryName[]): CatalogStart {
  const last = names.at(-1);
  return last === undefined ? undefined : { last };
}
