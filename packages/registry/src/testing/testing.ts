export { blobStoreContract } from './blob-store.ts';
export type { ContractCase, OpenedStore } from './contract.ts';
export { metadataStoreContract } from './metadata-store.ts';
export { type PushedTestImage, startTestRegistry, type TestRegistry } from './start-test-registry.ts';
