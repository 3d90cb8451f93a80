import type { Caller } from '../access/identity.ts';
import type { Access, Permit } from '../access/permit.ts';
import { OciError } from '../oci/error.ts';
import { parseRepositoryName, type RepositoryName } from '../oci/name.ts';
import { type GrantRecord, type NamePattern, patternsOf, type Role } from '../storage/access-records.ts';
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
    page: {
      readonly start: CatalogStart;
      readonly limit: number;
      /** Only names below this namespace. */
      readonly within?: RepositoryName | undefined;
    },
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
  /** As `listGrants` and `setRole`, for the application: on a namespace, too, and on a repository that is not there yet. */
  listGrantsOn(pattern: NamePattern): Promise<readonly GrantRecord[]>;
  setRoleOn(pattern: NamePattern, grant: { readonly subject: string; readonly role: Role | undefined }): Promise<void>;
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

  async function setRoleOn(
    pattern: NamePattern,
    { subject, role }: { readonly subject: string; readonly role: Role | undefined },
  ): Promise<void> {
    if (role === undefined) await metadata.removeGrant({ pattern, subject });
    else await metadata.putGrant({ pattern, subject, role });
  }

  async function listAll({ after, limit }: Wanted): Promise<Part> {
    const { items, hasMore } = await readPage({ after, limit }, metadata.listRepositories);
    return partOf(
      items.map(({ name }) => name),
      hasMore ? items.at(-1)?.name : undefined,
    );
  }

  /** What the application says is visible, so that nothing else is looked at. */
  async function listVisible({ access, caller, limit }: Wanted, names: readonly string[]): Promise<Part> {
    const items: RepositoryName[] = [];
    for (const text of names.slice(0, limit)) {
      const repository = await metadata.findRepository(parseRepositoryName(text));
      if (repository === undefined || repository.manifestCount === 0) continue;
      if (await access.sees(caller, repository)) items.push(repository.name);
    }
    const last = names.length < limit ? undefined : names[limit - 1];
    return partOf(items, last === undefined ? undefined : parseRepositoryName(last));
  }

  async function listAsked({ access, caller, after, limit }: Wanted): Promise<Part> {
    const items: RepositoryName[] = [];
    let last: RepositoryRecord | undefined;
    for (let asked = 0; asked < maximumAsked; ) {
      // Who sees everything needs no more than a page; who sees little gets the rest at once.
      const wanted = Math.min(asked === 0 ? limit + 1 : maximumAsked, maximumAsked - asked);
      const candidates = await metadata.listRepositories({ after: last?.name ?? after, limit: wanted });
      for (const repository of candidates) {
        if (items.length === limit) return partOf(items, items.at(-1));
        if (await access.sees(caller, repository)) items.push(repository.name);
      }
      if (candidates.length < wanted) return { items, end: undefined };
      asked += wanted;
      last = candidates.at(-1);
    }
    // It may be one that the caller must not know: its place is told and not its name.
    return { items, end: last === undefined ? undefined : { name: last.name, start: { place: last.id } } };
  }

  async function listPart(wanted: Wanted): Promise<Part> {
    const { access, caller, after, limit } = wanted;
    if (limit === 0) return { items: [], end: undefined };
    if (access.seesAll(caller)) return listAll(wanted);
    const visible = await access.findVisible(caller, { after, limit });
    return visible === undefined ? listAsked(wanted) : listVisible(wanted, visible);
  }

  return {
    async list(access, caller, { start, limit, within }) {
      const given = await afterOf(start);
      // No name has a slash at its end: it stands before the first one below the namespace, and behind all that merely begin alike.
      const low = within === undefined ? '' : `${within}/`;
      const after = given === undefined || given < low ? low : given;
      const { items, end } = await listPart({ access, caller, after: after === '' ? undefined : after, limit });
      return {
        items: items.filter((name) => name.startsWith(low)),
        next: end?.name.startsWith(low) === true ? end.start : undefined,
      };
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
      return metadata.listGrants(patternsOf(permit.repository.name)[0]);
    },
    async setRole(permit, grant) {
      existingId(permit);
      await setRoleOn(patternsOf(permit.repository.name)[0], grant);
    },
    listGrantsOn: metadata.listGrants,
    setRoleOn,
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

/** Names, and where the next page would begin; undefined: there is none. */
interface Part {
  readonly items: readonly RepositoryName[];
  readonly end: { readonly name: RepositoryName; readonly start: CatalogStart } | undefined;
}

interface Wanted {
  readonly access: Access;
  readonly caller: Caller;
  readonly after: string | undefined;
  readonly limit: number;
}

function partOf(items: readonly RepositoryName[], last: RepositoryName | undefined): Part {
  return { items, end: last === undefined ? undefined : { name: last, start: { last } } };
}
