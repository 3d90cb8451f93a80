export {
  type AccessTokenRequest,
  type AccessTokens,
  createAccessTokens,
  type NewAccessToken,
} from './access/access-tokens.ts';
export type { IdentityOptions } from './access/callers.ts';
export { clientNetwork } from './access/client-network.ts';
export type { AccessOptions } from './access/doors.ts';
export type { Action, AuthorizeRequest, Credentials, Identity, Refusal, VisibleRequest } from './access/identity.ts';
export type { TokenServer } from './access/outside-tokens.ts';
export { type RepositoryCreation, repositoryRoles, visibleByRoles } from './access/repository-roles.ts';
export { parseActions, parseNamePattern, type ScopeAction } from './access/scope.ts';
export type { FetchClient, FetchHandler } from './adapters/fetch.ts';
export { createRegistry, type Registry, type RegistryOptions } from './create-registry.ts';
export type { DispatchOptions, LimitRequest } from './http/dispatch.ts';
export type { RegistryHandler } from './http/handler.ts';
export {
  DisconnectedError,
  type RegistryRequest,
  type RegistryResponse,
  type RequestHeaders,
  type ResponseBody,
  type ResponseHeaders,
} from './http/message.ts';
export type { Reports, RequestReport } from './http/reports.ts';
export { type Digest, type DigestAlgorithm, parseDigest } from './oci/digest.ts';
export {
  type ErrorCode,
  type ErrorEntry,
  type ErrorOptions,
  errorTable,
  OciError,
  type OtherStatus,
} from './oci/error.ts';
export type { Edge, Manifest } from './oci/manifest.ts';
export {
  parseReference,
  parseRepositoryName,
  parseSessionId,
  parseTag,
  type Reference,
  type RepositoryName,
  type SessionId,
  type Tag,
} from './oci/name.ts';
export type {
  ActFacts,
  Change,
  ChangeFacts,
  ChangeKind,
  EventFacts,
  EventKind,
  Hooks,
  ManifestFacts,
  PullCount,
  PulledEvent,
  RegistryEvent,
} from './registry/events.ts';
export type { PushedManifest } from './registry/manifests.ts';
export type { BlobContentOf, ListPage, ManifestContent, Operations, PageOptions } from './registry/operations.ts';
export type { PushedBlob } from './registry/publish-blob.ts';
export { randomIds } from './registry/random-ids.ts';
export type { Repository } from './registry/repositories.ts';
export type { Settings, SettingsInput, Sources } from './registry/settings.ts';
export type { Usage } from './registry/usage.ts';
export { toWebhooks, type Webhook, type WebhookOptions } from './registry/webhook.ts';
export type {
  AccessStore,
  AccessTokenRecord,
  AuditEntry,
  GrantRecord,
  KeyRecord,
  NamePattern,
  Role,
} from './storage/access-records.ts';
export type { BlobCheck, StoredFile } from './storage/blob-check.ts';
export {
  type BlobContent,
  type BlobStore,
  type Bytes,
  type FileRange,
  parseStorageKey,
  type StorageKey,
} from './storage/blob-store.ts';
export { StorageError, type StorageErrorCode } from './storage/error.ts';
export type { BlobRows, Contradiction, IdPage, ManifestRows, MetadataCheck, Use } from './storage/metadata-check.ts';
export type {
  Act,
  BlobRecord,
  BlobUsage,
  ExpiredContent,
  ManifestRecord,
  MetadataStore,
  MountBlob,
  OpenUpload,
  Page,
  PageRequest,
  PublishBlob,
  Push,
  PutManifest,
  PutSmallBlob,
  ReferrerRecord,
  ReferrersRequest,
  RepositoryRecord,
  RepositoryTarget,
  RepositoryUsage,
  StoredManifest,
  TagCondition,
  TagRecord,
  UploadRecord,
} from './storage/metadata-store.ts';
export { type CheckNeeds, type CheckSummary, check, type Finding, type Mend } from './upkeep/check.ts';
export { type MendNeeds, mend } from './upkeep/mend.ts';
export type { SweepResult } from './upkeep/sweep.ts';
