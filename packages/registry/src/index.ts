export {
  type AccessTokenRequest,
  type AccessTokens,
  createAccessTokens,
  type NewAccessToken,
} from './access/access-tokens.ts';
export type { IdentityOptions } from './access/callers.ts';
export { clientNetwork } from './access/client-network.ts';
export type { AccessOptions } from './access/doors.ts';
export type { Action, AuthorizeRequest, Credentials, Identity } from './access/identity.ts';
export type { TokenServer } from './access/outside-tokens.ts';
export { type RepositoryCreation, repositoryRoles } from './access/repository-roles.ts';
export { parseActions, parseNamePattern, type ScopeAction } from './access/scope.ts';
export { createRegistry, type Registry, type RegistryOptions } from './create-registry.ts';
export type { LimitRequest } from './http/dispatch.ts';
export type { RegistryHandler } from './http/handler.ts';
export type {
  RegistryRequest,
  RegistryResponse,
  RequestHeaders,
  ResponseBody,
  ResponseHeaders,
} from './http/message.ts';
export type { Reports, RequestReport } from './http/reports.ts';
export { type ErrorCode, type ErrorEntry, errorTable, OciError } from './oci/error.ts';
export { parseRepositoryName, type RepositoryName } from './oci/name.ts';
export type { Settings, SettingsInput, Sources } from './registry/settings.ts';
export type {
  AccessStore,
  AccessTokenRecord,
  AuditEntry,
  GrantRecord,
  NamePattern,
  Role,
} from './storage/access-records.ts';
export type { BlobContent, BlobStore, Bytes, FileRange, StorageKey } from './storage/blob-store.ts';
export { StorageError, type StorageErrorCode } from './storage/error.ts';
export type { MetadataStore } from './storage/metadata-store.ts';
export type { SweepResult } from './upkeep/sweep.ts';
