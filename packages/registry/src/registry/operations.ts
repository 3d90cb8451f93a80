import { createReadStream } from 'node:fs';
import type { Audit } from '../access/audit.ts';
import { type Action, application, type Caller } from '../access/identity.ts';
import type { Access, Permit } from '../access/permit.ts';
import { parseNamePattern } from '../access/scope.ts';
import { type Digest, digestOf, parseDigest } from '../oci/digest.ts';
import { OciError } from '../oci/error.ts';
import { parseReference, parseRepositoryName, parseTag, type RepositoryName } from '../oci/name.ts';
import type { AuditEntry, GrantRecord, NamePattern, Role } from '../storage/access-records.ts';
import type { Bytes } from '../storage/blob-store.ts';
import type { ReferrerRecord, TagRecord } from '../storage/metadata-store.ts';
import type { Blobs } from './blobs.ts';
import type { ManifestFacts } from './events.ts';
import type { Manifests, PushedManifest } from './manifests.ts';
import type { PushedBlob } from './publish-blob.ts';
import type { Referrers } from './referrers.ts';
import type { CatalogStart, Repositories, Repository } from './repositories.ts';
import type { Tags } from './tags.ts';
import type { Uploads } from './uploads.ts';

/** Some entries of a list. */
export interface ListPage<Item> {
  readonly items: readonly Item[];
  /** Give it as `after` for the next page; undefined: this is the last one. */
  readonly next: string | undefined;
}

/** Where a page begins, and how long it is at most. */
export interface PageOptions {
  /** `next` of the page before, or an entry after which to begin; default: from the first. */
  readonly after?: string | undefined;
  /** Default: 100. */
  readonly limit?: number | undefined;
}

/** A manifest and the bytes that were pushed. */
export interface ManifestContent extends ManifestFacts {
  readonly bytes: Uint8Array;
}

/** A blob and its bytes, which are read as they are asked for. */
export interface BlobContentOf {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly bytes: Bytes;
}

/** What an application does with a registry from its own code: each asks for the same permit, and does the same, as the request of a client would. Names, tags and digests are checked
 *  here; everything that is refused is an `OciError` with the code and the words that a client would get: `NAME_INVALID`, `NAME_UNKNOWN`, `MANIFEST_UNKNOWN`, `DENIED` and so on. */
export interface Operations {
  /** Names of repositories that hold a manifest and may be pulled, in byte order: all, or those below a namespace. A page may be shorter than its limit and not be the last. */
  listRepositories(page?: PageOptions & { readonly namespace?: string | undefined }): Promise<ListPage<RepositoryName>>;
  getRepository(name: string): Promise<Repository>;
  /** Tags in byte order, and where they point. */
  listTags(name: string, page?: PageOptions): Promise<ListPage<TagRecord>>;
  getManifest(name: string, reference: string): Promise<ManifestContent>;
  /** Manifests that refer to the one with this digest, such as its signatures. */
  listReferrers(
    name: string,
    digest: string,
    page?: PageOptions & { readonly artifactType?: string | undefined },
  ): Promise<ListPage<ReferrerRecord>>;
  readBlob(name: string, digest: string): Promise<BlobContentOf>;

  /** Pushes a blob, and makes the repository if there is none. */
  pushBlob(name: string, content: Uint8Array | Bytes): Promise<PushedBlob>;
  /** Pushes a manifest by tag or digest, and makes the repository if there is none. */
  pushManifest(
    name: string,
    reference: string,
    manifest: { readonly bytes: Uint8Array; readonly mediaType?: string | undefined },
  ): Promise<PushedManifest>;
  /** Points a tag at a manifest that the repository has, by its digest or another tag; returns its digest. */
  tag(name: string, tag: string, reference: string): Promise<Digest>;

  /** Deletes a tag, or by digest a manifest with its tags. */
  delete(name: string, reference: string): Promise<void>;
  /** Lets a tag go at the first `sweep` after `at`, with its manifest where nothing else needs that; undefined: never. A tag that is pushed again keeps its time. */
  expire(name: string, tag: string, at: Date | undefined): Promise<void>;

  setVisibility(name: string, visibility: 'public' | 'private'): Promise<void>;
  /** Roles on exactly this repository, in byte order of their subjects. The application may name a namespace (`acme/*`), too. */
  listGrants(name: string): Promise<readonly GrantRecord[]>;
  /** Gives a role on the repository to an identity's id, or to `@` and the name of a group; undefined takes it. Roles count where the default decision is used. The application may give
   *  one on a namespace (`acme/*`), too, and on a repository that is not there yet. */
  setRole(name: string, subject: string, role: Role | undefined): Promise<void>;
  /** Removes the repository with its manifests, tags and roles. */
  removeRepository(name: string): Promise<void>;
}

/** What operations act through. */
export interface OperationNeeds {
  readonly access: Access;
  readonly audit: Audit;
  readonly uploads: Uploads;
  readonly blobs: Blobs;
  readonly manifests: Manifests;
  readonly tags: Tags;
  readonly referrers: Referrers;
  readonly repositories: Repositories;
}

/** The operations, done by `caller`. */
export function createOperations(needs: OperationNeeds, caller: Caller): Operations {
  const { access, uploads, blobs, manifests, tags, referrers, repositories } = needs;
  const permit = <A extends Action>(action: A, name: string): Promise<Permit<A>> =>
    access.getPermit(caller, { action, name: parseRepositoryName(name) });
  const change = createChange(needs, caller);

  return {
    async listRepositories({ after, limit = defaultLimit, namespace } = {}) {
      const within = namespace === undefined ? undefined : parseRepositoryName(namespace);
      const { items, next } = await repositories.list(access, caller, { start: toStart(after), limit, within });
      return { items, next: fromStart(next) };
    },
    getRepository: async (name) => repositories.get(await permit('pull', name)),
    async listTags(name, { after, limit = defaultLimit } = {}) {
      const { items, hasMore } = await tags.listRecords(await permit('pull', name), { after, limit });
      return { items, next: hasMore ? items.at(-1)?.tag : undefined };
    },
    getManifest: async (name, reference) => manifests.open(await permit('pull', name), parseReference(reference)),
    async listReferrers(name, digest, { after, limit = defaultLimit, artifactType } = {}) {
      const start = after === undefined ? undefined : parseDigest(after);
      const page = { after: start, limit, artifactType };
      const { items, hasMore } = await referrers.list(await permit('pull', name), parseDigest(digest), page);
      return { items, next: hasMore ? items.at(-1)?.digest : undefined };
    },
    async readBlob(name, digest) {
      const blob = await blobs.get(await permit('pull', name), parseDigest(digest));
      return { digest: blob.digest, sizeBytes: blob.sizeBytes, bytes: bytesOf(blob.read(0, blob.sizeBytes)) };
    },

    async pushBlob(name, content) {
      const pushing = await permit('push', name);
      const { signal } = new AbortController();
      if (content instanceof Uint8Array) {
        const lengthBytes = content.byteLength;
        return uploads.push(pushing, {
          digest: digestOf(content, 'sha256'),
          lengthBytes,
          body: inOne(content),
          signal,
        });
      }
      return uploads.pushUnnamed(pushing, { body: content, signal });
    },
    pushManifest: (name, reference, { bytes, mediaType }) =>
      change('push', { name, about: reference }, (pushing) =>
        manifests.push(pushing, {
          reference: parseReference(reference),
          tags: [],
          bytes,
          contentType: mediaType,
          condition: undefined,
        }),
      ),
    tag: (name, tag, reference) =>
      change('push', { name, about: tag }, (pushing) =>
        manifests.tag(pushing, parseTag(tag), parseReference(reference)),
      ),

    delete: (name, reference) =>
      change('delete', { name, about: reference }, (deleting) => manifests.delete(deleting, parseReference(reference))),
    expire: (name, tag, at) =>
      change('delete', { name, act: 'expire', about: tag }, (deleting) =>
        manifests.expire(deleting, parseTag(tag), at?.getTime()),
      ),

    setVisibility: (name, visibility) =>
      change('manage', { name, act: 'visibility', about: visibility }, (managing) =>
        repositories.setVisibility(managing, visibility),
      ),
    async listGrants(name) {
      if (caller === application) return repositories.listGrantsOn(parseNamePattern(name));
      return repositories.listGrants(await permit('manage', name));
    },
    async setRole(name, subject, role) {
      const act = role === undefined ? 'revoke' : 'grant';
      const about = `${subject} ${role ?? ''}`.trim();
      if (caller === application) {
        const pattern = parseNamePattern(name);
        await repositories.setRoleOn(pattern, { subject, role });
        needs.audit.record({ ...roleLine(pattern, about), act });
      } else {
        await change('manage', { name, act, about }, (managing) => repositories.setRole(managing, { subject, role }));
      }
    },
    removeRepository: (name) =>
      change('manage', { name, act: 'repository-remove', about: undefined }, (managing) =>
        repositories.remove(managing),
      ),
  };
}

const defaultLimit = 100;

/** A namespace is no repository: the audit has it among the words. */
function roleLine(pattern: NamePattern, about: string): Omit<AuditEntry, 'atMs' | 'act'> {
  const line = { identity: undefined, address: undefined, isAllowed: true };
  return pattern.endsWith('/*')
    ? { ...line, repository: undefined, about: `${about} on ${pattern}` }
    : { ...line, repository: parseRepositoryName(pattern), about };
}

interface Deed {
  readonly name: string;
  /** What the audit calls it; default: the action. */
  readonly act?: string;
  readonly about: string | undefined;
}

/** Runs a change with its permit, and writes the audit's line about it: done, or refused. */
function createChange({ access, audit }: OperationNeeds, caller: Caller) {
  return async <A extends Action, Result>(
    action: A,
    { name: text, act = action, about }: Deed,
    work: (permit: Permit<A>) => Promise<Result>,
  ): Promise<Result> => {
    const name = parseRepositoryName(text);
    const line = { act, identity: caller.identity?.id, address: undefined, repository: name, about };
    try {
      const result = await work(await access.getPermit(caller, { action, name }));
      audit.record({ ...line, isAllowed: true });
      return result;
    } catch (error) {
      if (error instanceof OciError && error.code === 'DENIED') audit.record({ ...line, isAllowed: false });
      throw error;
    }
  };
}

async function* inOne(bytes: Uint8Array): Bytes {
  if (bytes.byteLength > 0) yield bytes;
}

type BlobBytes = ReturnType<Awaited<ReturnType<Blobs['get']>>['read']>;

async function* bytesOf(content: BlobBytes): Bytes {
  switch (content.kind) {
    case 'bytes':
      return yield* inOne(content.bytes);
    case 'stream':
      return yield* content.stream;
    case 'file': {
      const { path, offsetBytes, lengthBytes } = content.file;
      if (lengthBytes > 0) yield* createReadStream(path, { start: offsetBytes, end: offsetBytes + lengthBytes - 1 });
    }
  }
}

/** A place in the catalog as text: a name has no `#`. */
function fromStart(start: CatalogStart): string | undefined {
  if (start === undefined) return undefined;
  return 'last' in start ? start.last : `#${start.place}`;
}

function toStart(text: string | undefined): CatalogStart {
  if (text === undefined) return undefined;
  return /^#\d{1,15}$/.test(text) ? { place: Number(text.slice(1)) } : { last: parseRepositoryName(text) };
}
