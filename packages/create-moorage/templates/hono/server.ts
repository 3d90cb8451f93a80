import { createServer } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { getRequestListener } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { createRegistry, type Identity } from '@moorage/registry';
import { filesystem } from '@moorage/registry/filesystem';
import { serverOptions, tuneServer } from '@moorage/registry/node';
import { sqlite } from '@moorage/registry/sqlite';
import { Hono } from 'hono';
import { basicAuth } from 'hono/basic-auth';
import { authenticate, authorize, identify } from './users.ts';

const { PORT = '3000', DATA = './data' } = process.env;
const registry = createRegistry({
  metadata: sqlite({ file: join(DATA, 'registry.db') }),
  blobs: filesystem({ directory: join(DATA, 'blobs') }),
  access: { authenticate, identify, authorize },
  onError: (error) => console.error(error),
});
await registry.ready();

const app = new Hono<{ Variables: { user: Identity } }>();
// The address bounds who guesses passwords: a Request alone does not have it.
app.all('/v2/*', (context) => registry.fetch(context.req.raw, { address: getConnInfo(context).remote.address }));

// The page takes the same keys as docker, by the browser's own prompt.
app.use(
  basicAuth({
    verifyUser(username, password, context) {
      const user = authenticate({ username, password });
      if (user !== undefined) context.set('user', user);
      return user !== undefined;
    },
  }),
);
app.get('/', async (context) => context.text(await listImages(context.get('user'))));

const server = tuneServer(createServer(serverOptions, getRequestListener(app.fetch)), registry);
server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`The application and its registry are at http://127.0.0.1:${PORT}`);
});

const sweeping = setInterval(() => void registry.sweep().catch(console.error), 10 * 60_000);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());

async function stop(): Promise<void> {
  clearInterval(sweeping);
  server.close();
  await registry.close();
}

/** A line for each tag that the user may pull: pages ask by the same door as docker. */
async function listImages(user: Identity): Promise<string> {
  const own = registry.as(user);
  const { items: names } = await own.listRepositories();
  const lines = names.map(async (name) => {
    const { items: tags } = await own.listTags(name);
    return tags.map(({ tag }) => `${name}:${tag}\n`).join('');
  });
  return `${user.id} may pull\n${(await Promise.all(lines)).join('')}`;
}
