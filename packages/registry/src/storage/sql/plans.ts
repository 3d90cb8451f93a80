import type { MetadataStore } from '../metadata-store.ts';
import type { Plan } from './statement.ts';

/** Operations that a connection which cannot write can run. */
export const readNames: readonly ReadName[] = [
  'findRepository',
  'listRepositories',
  'findBlob',
  'findRepositoriesWithBlob',
  'findManifest',
  'readManifest',
  'listTags',
  'listReferrers',
  'findUpload',
  'findKnownKeys',
];

/** Operations that change something; each is atomic. */
export const commandNames: readonly CommandName[] = [
  'openUpload',
  'leaseUpload',
  'renewUpload',
  'saveUpload',
  'cancelUpload',
  'expireUploads',
  'publishBlob',
  'putSmallBlob',
  'mountBlob',
  'renewBlobLease',
  'deleteBlob',
  'putManifest',
  'deleteManifest',
  'deleteTag',
  'acquireLease',
  'releaseLease',
];

export type ReadName = Extract<keyof MetadataStore, `find${string}` | `list${string}` | 'readManifest'>;
export type CommandName = Exclude<keyof MetadataStore, ReadName | 'ready' | 'close'>;

/** An operation of the metadata store, as the plan of its statements. */
export type PlanOf<Name extends ReadName | CommandName> = (
  ...input: Parameters<MetadataStore[Name]>
) => Plan<Awaited<ReturnType<MetadataStore[Name]>>>;

/** Every operation of the metadata store, once for all SQL databases. */
export type Plans = { readonly [Name in ReadName | CommandName]: PlanOf<Name> };
