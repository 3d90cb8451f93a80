// The registry's paths, by a rewrite of next.config.js.
import { join } from 'node:path';
import process from 'node:process';
import { createRegistry } from '@moorage/registry';
import { filesystem } from '@moorage/registry/filesystem';
import { toNextHandler } from '@moorage/registry/next';
import { sqlite } from '@moorage/registry/sqlite';

function openRegistry() {
  const data = process.env.DATA;
  return createRegistry({
    metadata: sqlite({ file: join(data, 'registry.db') }),
    blobs: filesystem({ directory: join(data, 'blobs') }),
    access: 'open',
    onError: (error) => console.error(error),
  });
}

export const config = { api: { bodyParser: false, responseLimit: false } };

export default toNextHandler(openRegistry);
