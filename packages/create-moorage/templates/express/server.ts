import { join } from 'node:path';
import process from 'node:process';
import { createRegistry, type Identity } from '@moorage/registry';
import { filesystem } from '@moorage/registry/filesystem';
import { toNodeHandler, tuneServer } from '@moorage/registry/node';
import { sqlite } from '@moorage/registry/sqlite';
import express from 'express';
import { authenticate, authorize, identify } from './users.ts';

const { PORT = '3000', DATA = './data' } = process.env;
const registry = createRegistry({
  metadata: sqlite({ file: join(DATA, 'registry.db') }),
  blobs: filesystem({ directory: join(DATA, 'blobs') }),
  access: { authenticate, identify, authorize },
  onError: (error) => console.error(error),
});
await registry.ready();
registry.keepSwept(); // takes away what nobody needs, now and every ten minutes

const app = express();
app.use(toNodeHandler(registry)); // before everything that reads bodies: a push is no form
app.use(express.json());
app.get('/', async (request, response) => {
  const user = loggedIn(request.headers.authorization);
  if (user === undefined) response.status(401).set('WWW-Authenticate', 'Basic realm="Registry"').send('Log in.');
  else response.type('text').send(await listImages(user));
});

const server = tuneServer(app.listen(Number(PORT), '127.0.0.1'), registry);
server.once('listening', () => console.log(`The application and its registry are at http://127.0.0.1:${PORT}`));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());

async function stop(): Promise<void> {
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

/** The page takes the same keys as docker, by the browser's own prompt. */
function loggedIn(header = ''): Identity | undefined {
  const [, encoded = ''] = /^Basic (\S+)$/.exec(header) ?? [];
  const [username = '', password = ''] = Buffer.from(encoded, 'base64').toString().split(':');
  return authenticate({ username, password });
}
