// The registry's paths, by a rewrite of next.config.js. An API route of the pages router has the request and the response of Node: a route
// handler of the app router cannot say `Content-Length`, which clients need (seen with Next 16.4).
import { join } from 'node:path';
import process from 'node:process';
import { createRegistry } from '@moorage/registry';
import { filesystem } from '@moorage/registry/filesystem';
import { toNodeHandler } from '@moorage/registry/node';
import { sqlite } from '@moorage/registry/sqlite';

const data = process.env.DATA;
const registry = createRegistry({
  metadata: sqlite({ file: join(data, 'registry.db') }),
  blobs: filesystem({ directory: join(data, 'blobs') }),
  access: 'open',
  onError: (error) => console.error(error),
});

export const config = { api: { bodyParser: false, externalResolver: true } };

export default toNodeHandler(registry);
