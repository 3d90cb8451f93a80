import type { MetadataStore } from '../metadata-store.ts';
import type { Plan } from './statement.ts';

/** Operations that a connection which cannot write can run. */
export const readNames: readonly ReadName[] = namesOf<ReadName>({
  findRepository: true,
  findRepositoryName: true,
  listRepositories: true,
  listUsage: true,
  listBlobUsage: true,
  findBlob: true,
  findRepositoriesWithBlob: true,
  findManifest: true,
  readManifest: true,
  listTags: true,
  listTagRecords: true,
  listReferrers: true,
  findUpload: true,
  findKnownKeys: true,
  listVisible: true,
  findRoles: true,
  listGrants: true,
  findAccessToken: true,
  listAccessTokens: true,
  listKeys: true,
  listAudit: true,
});

/** Reads of several statements, which must see one state of the database. One statement always does. */
export const longReads: ReadonlySet<ReadName> = new Set<ReadName>(['listReferrers', 'listVisible', 'findKnownKeys']);

/** Operations that change something; each is atomic. */
export const commandNames: readonly CommandName[] = namesOf<CommandName>({
  openUpload: true,
  leaseUpload: true,
  renewUpload: true,
  saveUpload: true,
  cancelUpload: true,
  expireUploads: true,
  publishBlob: true,
  putSmallBlob: true,
  mountBlob: true,
  renewBlobLease: true,
  deleteBlob: true,
  discardBlobBytes: true,
  putManifest: true,
  deleteManifest: true,
  deleteTag: true,
  setTagExpiry: true,
  expireTags: true,
  addPulls: true,
  acquireLease: true,
  releaseLease: true,
  putGrant: true,
  removeGrant: true,
  removeGrantsOf: true,
  setVisibility: true,
  removeRepository: true,
  addAccessToken: true,
  removeAccessToken: true,
  expireAccessTokens: true,
  removeAccessTokensOf: true,
  addKey: true,
  removeKey: true,
  appendAudit: true,
});

export type ReadName = Extract<keyof MetadataStore, `find${string}` | `list${string}` | 'readManifest'>;
export type CommandName = Exclude<keyof MetadataStore, ReadName | 'ready' | 'close'>;

/** An operation of the metadata store, as the plan of its statements. */
export type PlanOf<Name extends ReadName | CommandName> = (
  ...input: Parameters<MetadataStore[Name]>
) => Plan<Awaited<ReturnType<MetadataStore[Name]>>>;

/** Every operation of the metadata store, once for all SQL databases. */
export type Plans = { readonly [Name in ReadName | CommandName]: PlanOf<Name> };

/** The keys of an object that must have all of them, so that none can be forgotten. */
function namesOf<Name extends string>(names: Readonly<Record<Name, true>>): readonly Name[] {
  return Object.keys(names) as Name[];
}
