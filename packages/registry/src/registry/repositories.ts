import type { Caller } from '../access/identity.ts';
import type { Access, Permit } from '../access/permit.ts';
import { OciError } from '../oci/error.ts';
import { parseRepositoryName, type RepositoryName } from '../oci/name.ts';
import type { GrantRecord, NamePattern, Role } from '../storage/access-records.ts';
import type { RepositoryRecord } from '../storage/metadata-store.ts';
import { existingId, type Needs } from './needs.ts';
import { readPage } from './page.ts';

/** Where a page of the catalog begins: after a name, after a place that a page before gave, or at the start. */
export type CatalogStart = { readonly last: RepositoryName } | { readonly place: number } | undefined;

/** A page of the catalog, and where the next one begins; undefined: it is the last. */
export interface CatalogPage {
  readonly items: readonly RepositoryName[];
  readonly next: CatalogStart;
}

/** What is told of a repository. */
export interface Repository {
  readonly name: RepositoryName;
  readonly visibility: 'public' | 'private';
  /** Id of the identity that made it; undefined: anonymous, or the application itself. */
  readonly createdBy: string | undefined;
  readonly manifestCount: number;
}

/** Repositories of a registry. */
export interface Repositories {
  /** Names of repositories that hold a manifest and that the caller may pull, in byte order (`_catalog`). A page may be shorter than `limit` and still have one after it. */
  list(
    access: Access,
    caller: Caller,
    page: { readonly start: CatalogStart; readonly limit: number },
  ): Promise<CatalogPage>;
  /** `NAME_UNKNOWN`, as everything here where there is none. */
  get(permit: Permit<'pull'>): Promise<Repository>;
  setVisibility(permit: Permit<'manage'>, visibility: 'public' | 'private'): Promise<void>;
  listGrants(permit: Permit<'manage'>): Promise<readonly GrantRecord[]>;
  /** Gives a role to an identity's id, or to `@` and the name of a group; undefined takes it. */
  setRole(
    permit: Permit<'manage'>,
    grant: { readonly subject: string; readonly role: Role | undefined },
  ): Promise<void>;
  /** Removes the repository with its manifests, tags, sessions and roles. */
  remove(permit: Permit<'manage'>): Promise<void>;
}

/** Repositories that one page asks the decision about, so that a caller who may see few of many does not hold the registry up. */
const maximumAsked = 1000;

export function createRepositories({ metadata, events }: Needs): Repositories {
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

  /** What the application says is visible, so that nothing else is looked at. */
  async function listVisible(
    { access, caller }: { access: Access; caller: Caller },
    names: readonly string[],
    limit: number,
  ): Promise<CatalogPage> {
    const items: RepositoryName[] = [];
    for (const text of names.slice(0, limit)) {
      const repository = await metadata.findRepository(parseRepositoryName(text));
      if (repository === undefined || repository.manifestCount === 0) continue;
      if (await access.sees(caller, repository)) items.push(repository.name);
    }
    const last = names.length < limit ? undefined : names[limit - 1];
    return { items, next: last === undefined ? undefined : { last: parseRepositoryName(last) } };
  }

  return {
    async list(access, caller, { start, limit }) {
      const after = await afterOf(start);
      if (limit === 0) return { items: [], next: undefined };
      if (access.seesAll(caller)) return listAll(after, limit);
      const visible = await access.findVisible(caller, { after, limit });
      if (visible !== undefined) return listVisible({ access, caller }, visible, limit);
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
    async get({ repository: { name } }) {
      const record = await metadata.findRepository(name);
      if (record === undefined) throw new OciError('NAME_UNKNOWN');
      return publicPart(record);
    },
    async setVisibility(permit, visibility) {
      existingId(permit);
      if (!(await metadata.setVisibility({ name: permit.repository.name, visibility })))
        throw new OciError('NAME_UNKNOWN');
    },
    async listGrants(permit) {
      existingId(permit);
      return metadata.listGrants(permit.repository.name as string as NamePattern);
    },
    async setRole(permit, { subject, role }) {
      existingId(permit);
      const pattern = permit.repository.name as string as NamePattern;
      if (role === undefined) await metadata.removeGrant({ pattern, subject });
      else await metadata.putGrant({ pattern, subject, role });
    },
    async remove(permit) {
      existingId(permit);
      await events.ask(permit, () => ({ type: 'repository-remove' }));
      if (!(await metadata.removeRepository({ name: permit.repository.name }))) throw new OciError('NAME_UNKNOWN');
      events.tell(permit, { type: 'repository-removed' });
    },
  };
}

function publicPart({ name, visibility, createdBy, manifestCount }: RepositoryRecord): Repository {
  return { name, visibility, createdBy, manifestCount };
}

function lastOf(names: readonly RepositoryName[]): CatalogStart {
  const last = names.at(-1);
  return last === undefined ? undefined : { last };
}
