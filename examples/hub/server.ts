import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { getRequestListener } from '@hono/node-server';
import { type AuthorizeRequest, createRegistry, type Refusal } from '@moorage/registry';
import { filesystem } from '@moorage/registry/filesystem';
import { serverOptions, toNodeHandler, tuneServer } from '@moorage/registry/node';
import { sqlite } from '@moorage/registry/sqlite';
import { createApprovals } from './approvals.ts';
import { createCards } from './cards.ts';
import { openDatabase } from './database.ts';
import { createPages } from './pages.ts';
import { createPopularity } from './popularity.ts';
import { authenticate, identify, owns } from './users.ts';

const { PORT = '3000', DATA = './data' } = process.env;
const { PUBLIC_URL: url = `http://127.0.0.1:${PORT}` } = process.env;
mkdirSync(DATA, { recursive: true });
const database = openDatabase(join(DATA, 'hub.db'));
const approvals = createApprovals(database);
const popularity = createPopularity(database);

/** Owners do everything with what is theirs; others pull what they were approved for. Everybody reads the cards: who is refused a model that has one may know so, and where to ask. Without
 *  these words a refused pull is answered as if there were no such model, since elsewhere a name may be a secret. */
function authorize({ identity, action, name }: AuthorizeRequest): boolean | Refusal {
  if (identity === undefined) return false;
  if (owns(identity.id, name)) return true;
  if (action !== 'pull' || cards.find(name) === undefined) return false;
  const isApproved = approvals.find(name, identity.id)?.isApproved === true;
  return isApproved || { refuse: `You may not pull ${name} yet. Ask its owner: ${url}/models/${name}` };
}

const registry = createRegistry({
  metadata: sqlite({ file: join(DATA, 'registry.db') }),
  blobs: filesystem({ directory: join(DATA, 'blobs') }),
  access: { authenticate, identify, authorize },
  after(event) {
    popularity.hear(event);
    return cards.hear(event);
  },
  onError: (error) => console.error(error),
});
const cards = createCards(registry, database);
await registry.ready();
await cards.catchUp();
registry.keepSwept();

const answerRegistry = toNodeHandler(registry);
const answerPages = getRequestListener(createPages(cards, approvals).fetch);
const server = createServer(serverOptions, (request, response) =>
  answerRegistry(request, response, () => void answerPages(request, response)),
);
tuneServer(server, registry).listen(Number(PORT), '127.0.0.1', () => {
  console.log(`The hub and its registry are at ${url}`);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());

async function stop(): Promise<void> {
  server.close();
  await registry.close(); // tells the last pulls, too
  database.close();
}
