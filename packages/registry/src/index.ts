export type { AccessOptions, Action, AuthorizeRequest, Identity } from './access/permit.ts';
export { createRegistry, type Registry, type RegistryOptions } from './create-registry.ts';
export type { Reports, RequestReport } from './http/dispatch.ts';
export type { RegistryHandler } from './http/handler.ts';
export type {
  RegistryRequest,
  RegistryResponse,
  RequestHeaders,
  ResponseBody,
  ResponseHeaders,
} from './http/message.ts';
export { type ErrorCode, type ErrorEntry, errorTable, OciError } from './oci/error.ts';
export type { Settings, SettingsInput, Sources } from './registry/settings.ts';
export type { BlobContent, BlobStore, Bytes, FileRange, StorageKey } from './storage/blob-store.ts';
export { StorageError, type StorageErrorCode } from './storage/error.ts';
export type { MetadataStore } from './storage/metadata-store.ts';
export type { SweepResult } from './upkeep/sweep.ts';
