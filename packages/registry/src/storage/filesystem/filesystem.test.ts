import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { blobStoreContract } from '../../testing/blob-store.ts';
import { filesystem } from './filesystem.ts';

describe('filesystem keeps the promises of BlobStore', () => {
  const open = async () => {
    const directory = await mkdtemp(join(tmpdir(), 'moorage-blobs-'));
    return { store: filesystem({ directory }), close: () => rm(directory, { recursive: true }) };
  };
  for (const { name, run } of blobStoreContract(open)) it(name, run);
});
