export { blobStoreContract } from './blob-store.ts';
export { metadataStoreContract } from './metadata-store.ts';
