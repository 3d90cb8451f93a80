import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { getRequestListener } from '@hono/node-server';
import { serverOptions, toNodeHandler, tuneServer } from '@moorage/registry/node';
import { createCustomers } from './customers.ts';
import { openDatabase } from './database.ts';
import { createPages } from './pages.ts';
import { giveTimes } from './previews.ts';
import { createPlatformRegistry } from './registry.ts';

const { PORT = '3000', DATA = './data', OPERATOR_KEY: operatorKey = 'operator-key' } = process.env;
const { PUBLIC_URL: url = `http://127.0.0.1:${PORT}` } = process.env;
mkdirSync(DATA, { recursive: true });
const database = openDatabase(join(DATA, 'platform.db'));
const customers = createCustomers(database);
const registry = createPlatformRegistry({ directory: DATA, customers, url });
await registry.ready();
await giveTimes(registry);
registry.keepSwept(); // previews whose time has come go here

const answerRegistry = toNodeHandler(registry);
const answerPages = getRequestListener(createPages({ registry, customers, operatorKey }).fetch);
const server = createServer(serverOptions, (request, response) =>
  answerRegistry(request, response, () => void answerPages(request, response)),
);
tuneServer(server, registry).listen(Number(PORT), '127.0.0.1', () => {
  console.log(`The platform and its registry are at ${url}, the operator's page at ${url}/operator`);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());

async function stop(): Promise<void> {
  server.close();
  await registry.close();
  database.close();
}
