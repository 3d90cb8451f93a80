import { deepEqual, fail, ok, rejects } from 'node:assert/strict';
import { parseNamePattern } from '../../access/scope.ts';
import { type Digest, digestOf } from '../../oci/digest.ts';
import type { Edge } from '../../oci/manifest.ts';
import { mediaTypes } from '../../oci/media-type.ts';
import { parseRepositoryName, parseSessionId, parseTag, type RepositoryName, type SessionId } from '../../oci/name.ts';
import { parseStorageKey, type StorageKey } from '../../storage/blob-store.ts';
import { isStorageError, type StorageErrorCode } from '../../storage/error.ts';
import type { MetadataStore, Push, PutManifest, RepositoryUsage, UploadRecord } from '../../storage/metadata-store.ts';
import type { StoreCase as ContractStoreCase } from '../contract.ts';

/** A promise of the store and its proof on an empty one. */
export type StoreCase = ContractStoreCase<MetadataStore>;

/** The time at which cases begin, and an hour and a day, all in ms. */
export const startMs: number = Date.UTC(2026, 0, 1);
export const hourMs: number = 3_600_000;
export const dayMs: number = 24 * hourMs;

/** The n-th content, key and session: different for different n. */
export const bytesOf = (n: number): Uint8Array => new TextEncoder().encode(`content ${n}`);
export const digestOfNumber = (n: number): Digest => digestOf(bytesOf(n), 'sha256');
export const keyOf = (n: number): StorageKey => parseStorageKey(n.toString(16).padStart(32, '0'));
export const sessionOf = (n: number): SessionId =>
  parseSessionId(`00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`);

/** By bytes, as the store has to sort; digests, names and tags are ASCII, where code units are bytes. */
export const sorted = <Text extends string>(texts: readonly Text[]): readonly Text[] =>
  [...texts].sort((a, b) => (a < b ? -1 : 1));

/** A push by alice into a private repository that, as far as she knows, is not there yet. */
export function pushTo(name: string, more: Partial<Push> = {}): Push {
  const repository = { id: undefined, name: parseRepositoryName(name) };
  return { repository, visibility: 'private', by: 'alice', nowMs: startMs, ...more };
}

/** `value`, which has to be there. */
export function present<Value>(value: Value | undefined, what: string): Value {
  return value ?? fail(`${what} is not there`);
}

/** The id of a repository that has to be there. */
export async function idOf(store: MetadataStore, name: string): Promise<number> {
  return present(await store.findRepository(parseRepositoryName(name)), `repository ${name}`).id;
}

/** What a repository that has to be there takes. */
export async function usageOf(store: MetadataStore, name: string): Promise<RepositoryUsage> {
  const [usage] = await store.listUsage(parseNamePattern(name), { after: undefined, limit: 1 });
  return present(usage, `usage of ${name}`);
}

/** Makes a repository of alice's that holds nothing but a blob of no interest. */
export async function makeRepository(store: MetadataStore, name: string): Promise<number> {
  return putSmall(store, name, 999_999);
}

/** Puts the n-th content as a small blob, for alice where only a name is given; returns the repository's id. */
export async function putSmall(store: MetadataStore, to: string | Push, n: number): Promise<number> {
  const push = typeof to === 'string' ? pushTo(to) : to;
  const content = { digest: digestOfNumber(n), bytes: bytesOf(n), leaseUntilMs: startMs + dayMs };
  await store.putSmallBlob({ ...push, ...content });
  return idOf(store, push.repository.name);
}

/** Opens the n-th session, under the n-th key, for alice where only a name is given; returns the repository's id. */
export async function openSession(store: MetadataStore, to: string | Push, n: number): Promise<number> {
  const push = typeof to === 'string' ? pushTo(to) : to;
  const opening = { session: sessionOf(n), key: keyOf(n), algorithm: 'sha256' } as const;
  return (await store.openUpload({ ...push, ...opening })).repositoryId;
}

/** Leases the n-th session for an hour from `nowMs`. */
export function leaseSessionAt(
  store: MetadataStore,
  at: { readonly repositoryId: number; readonly n: number; readonly nowMs: number },
): Promise<UploadRecord> {
  const { repositoryId, n, nowMs } = at;
  return store.leaseUpload({ repositoryId, session: sessionOf(n), nowMs, untilMs: nowMs + hourMs });
}

/** Leases the n-th session for an hour from the start. */
export function leaseSession(store: MetadataStore, repositoryId: number, n: number): Promise<UploadRecord> {
  return leaseSessionAt(store, { repositoryId, n, nowMs: startMs });
}

/** Where the n-th session of `name` brings the content `content`, as bytes in the blob store. */
export interface Publication {
  readonly name: string;
  readonly session: number;
  readonly content: number;
  /** Also hands over the bytes, as a small blob's. */
  readonly small?: boolean;
  readonly leaseUntilMs?: number;
}

/** Opens, leases and publishes; returns the repository's id and what the store says. */
export async function publish(
  store: MetadataStore,
  publication: Publication,
): Promise<{ readonly repositoryId: number; readonly unneededKey: StorageKey | undefined }> {
  const repositoryId = await openSession(store, publication.name, publication.session);
  const { epoch } = await leaseSession(store, repositoryId, publication.session);
  return { repositoryId, ...(await publishLeased(store, { ...publication, repositoryId, epoch })) };
}

/** Publishes a session that is leased already. */
export function publishLeased(
  store: MetadataStore,
  held: Omit<Publication, 'name'> & { readonly repositoryId: number; readonly epoch: number },
): Promise<{ readonly unneededKey: StorageKey | undefined }> {
  const bytes = bytesOf(held.content);
  return store.publishBlob({
    repositoryId: held.repositoryId,
    session: sessionOf(held.session),
    epoch: held.epoch,
    digest: digestOfNumber(held.content),
    sizeBytes: bytes.byteLength,
    bytes: held.small === true ? bytes : undefined,
    nowMs: startMs,
    leaseUntilMs: held.leaseUntilMs ?? startMs + dayMs,
  });
}

/** Edges that have to be there, to a blob and to a child manifest. */
export const toBlob = (digest: Digest): Edge => ({ digest, kind: 'blob', required: true });
export const toChild = (digest: Digest): Edge => ({ digest, kind: 'manifest', required: true });

/** Puts manifests in the order of their numbers, each with its tags and what it names and refers to; returns the repository's id. */
export async function fill(
  store: MetadataStore,
  name: string,
  manifests: Readonly<Record<number, ManifestLinks>>,
): Promise<number> {
  for (const [n, { tags = [], blobs = [], children = [], subject }] of Object.entries(manifests)) {
    for (const blob of blobs) await putSmall(store, name, blob);
    const edges = [...blobs.map((m) => toBlob(digestOfNumber(m))), ...children.map((m) => toChild(manifestDigest(m)))];
    const manifest = { edges, subject: subject === undefined ? undefined : manifestDigest(subject) };
    await store.putManifest(manifestPush(name, Number(n), { tags, manifest }));
  }
  return idOf(store, name);
}

/** What a manifest that `fill` puts has to do with others, by their numbers. */
export interface ManifestLinks {
  readonly tags?: readonly string[];
  readonly blobs?: readonly number[];
  readonly children?: readonly number[];
  readonly subject?: number;
}

/** What a manifest says, where it matters to the case. */
export type ManifestFacts = Partial<PutManifest['manifest']>;

/** A push of the n-th manifest, with `tags`. Different facts do not make it different: n does. */
export function manifestPush(
  name: string,
  n: number,
  more: Partial<Omit<PutManifest, 'manifest' | 'tags'>> & {
    readonly manifest?: ManifestFacts;
    readonly tags?: readonly string[];
  } = {},
): PutManifest {
  const bytes = new TextEncoder().encode(`manifest ${n}`);
  const facts = { artifactType: undefined, subject: undefined, annotations: undefined, edges: [] };
  return {
    ...pushTo(name),
    digest: manifestDigest(n),
    bytes,
    condition: undefined,
    sparse: false,
    ...more,
    tags: (more.tags ?? []).map(parseTag),
    manifest: { mediaType: mediaTypes.imageManifest, ...facts, ...more.manifest },
  };
}

/** The digest of the n-th manifest. */
export const manifestDigest = (n: number): Digest => digestOf(new TextEncoder().encode(`manifest ${n}`), 'sha256');

/** Everything that can be read of `name`, of the contents and manifests `numbers` in it, and of its sessions of those numbers. */
export async function readAll(store: MetadataStore, name: string, numbers: readonly number[]): Promise<unknown> {
  const repository = await store.findRepository(parseRepositoryName(name));
  const keys = [...(await store.findKnownKeys(numbers.map(keyOf)))].sort();
  if (repository === undefined) return { repository, keys };
  const { id } = repository;
  const digests = numbers.flatMap((n) => [digestOfNumber(n), manifestDigest(n)]);
  const tags = await store.listTags(id, { after: undefined, limit: 1000 });
  return {
    repository,
    usage: await usageOf(store, name),
    keys,
    tags: await Promise.all(tags.map(async (tag) => [tag, await store.findManifest(id, { tag })])),
    blobs: await Promise.all(digests.map((digest) => store.findBlob(id, digest))),
    manifests: await Promise.all(digests.map((digest) => store.readManifest(id, { digest }))),
    referrers: await Promise.all(
      digests.map((digest) =>
        store.listReferrers(id, digest, {
          after: undefined,
          limit: 1000,
          artifactType: undefined,
          pageBytes: 1_000_000,
        }),
      ),
    ),
    sessions: await Promise.all(numbers.map((n) => store.findUpload(id, sessionOf(n)))),
  };
}

/** What a refused command must leave as it was: the repository, and the numbers of what is in it. */
export interface Watched {
  readonly name: string;
  readonly numbers: readonly number[];
}

/** Asserts that `command` is refused with `code` and that `watched` reads as before; `detail` is compared where it is given. */
export async function refuses(
  store: MetadataStore,
  watched: Watched & { readonly code: StorageErrorCode; readonly detail?: unknown },
  command: () => Promise<unknown>,
): Promise<void> {
  const before = await readAll(store, watched.name, watched.numbers);
  await rejects(command, (error) => {
    ok(isStorageError(error), `expected a StorageError ${watched.code}, not ${String(error)}`);
    deepEqual(error.code, watched.code);
    if (watched.detail !== undefined) deepEqual(error.detail, watched.detail);
    return true;
  });
  deepEqual(await readAll(store, watched.name, watched.numbers), before);
}

/** Every page of a list, the empty one at its end included; fails where a page does not start behind the last. */
export async function readPages<Key extends string>(
  page: (after: Key | undefined) => Promise<readonly Key[]>,
): Promise<readonly (readonly Key[])[]> {
  const pages: (readonly Key[])[] = [];
  let after: Key | undefined;
  do {
    const keys = await page(after);
    for (const key of keys) ok(after === undefined || key > after, `${key} comes after ${after}`);
    pages.push(keys);
    after = keys.at(-1);
  } while (after !== undefined);
  return pages;
}

/** The names of the catalog after `after`. */
export async function catalog(store: MetadataStore, after?: string, limit = 100): Promise<readonly RepositoryName[]> {
  const page = { after: after === undefined ? undefined : parseRepositoryName(after), limit };
  return (await store.listRepositories(page)).map(({ name }) => name);
}
