import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { getRequestListener } from '@hono/node-server';
import { createRegistry } from '@moorage/registry';
import { filesystem } from '@moorage/registry/filesystem';
import { serverOptions, toNodeHandler, tuneServer } from '@moorage/registry/node';
import { sqlite } from '@moorage/registry/sqlite';
import { createLayers } from './layers.ts';
import { createPages } from './pages.ts';
import { openReleases } from './releases.ts';
import { createSites } from './sites.ts';
import { authenticate, authorize, identify } from './users.ts';

const { PORT = '3000', DATA = './data' } = process.env;
mkdirSync(DATA, { recursive: true });
const releases = openReleases(join(DATA, 'releases.db'));
const registry = createRegistry({
  metadata: sqlite({ file: join(DATA, 'registry.db') }),
  blobs: filesystem({ directory: join(DATA, 'blobs') }),
  access: { authenticate, identify, authorize },
  after: (event) => sites.hear(event),
  onError: (error) => console.error(error),
});
const sites = createSites(registry, createLayers(registry, join(DATA, 'layers')), releases);
await registry.ready();
await sites.followAll();
registry.keepSwept();

const answerRegistry = toNodeHandler(registry);
const answerPages = getRequestListener(createPages(registry, sites, releases).fetch);
const server = createServer(serverOptions, (request, response) =>
  answerRegistry(request, response, () => void answerPages(request, response)),
);
tuneServer(server, registry).listen(Number(PORT), '127.0.0.1', () => {
  console.log(`The deployer and its registry are at http://127.0.0.1:${PORT}`);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());

async function stop(): Promise<void> {
  server.close();
  await registry.close(); // waits for deploys under way, too
  releases.close();
}
