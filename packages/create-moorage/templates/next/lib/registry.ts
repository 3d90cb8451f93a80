import { join } from 'node:path';
import process from 'node:process';
import { createRegistry, type Registry } from '@moorage/registry';
import { filesystem } from '@moorage/registry/filesystem';
import { keepRegistry } from '@moorage/registry/next';
import { sqlite } from '@moorage/registry/sqlite';
import { authenticate, authorize, identify } from './users.ts';

const { DATA = 'data', PUBLIC_URL } = process.env;

/** The registry, the same one for its route, for pages and across hot reloads. */
export function registry(): Registry {
  return keepRegistry(() =>
    createRegistry({
      metadata: sqlite({ file: join(DATA, 'registry.db') }),
      blobs: filesystem({ directory: join(DATA, 'blobs') }),
      access: { authenticate, identify, authorize },
      publicUrl: PUBLIC_URL,
      onError: (error) => console.error(error),
    }),
  );
}
