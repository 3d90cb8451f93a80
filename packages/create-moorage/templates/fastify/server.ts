import { join } from 'node:path';
import process from 'node:process';
import { createRegistry, type Identity, parseNamePattern } from '@moorage/registry';
import { toFastifyPlugin } from '@moorage/registry/fastify';
import { filesystem } from '@moorage/registry/filesystem';
import { sqlite } from '@moorage/registry/sqlite';
import { fastify } from 'fastify';
import { authenticate, identify } from './users.ts';

const { PORT = '3000', DATA = './data' } = process.env;
const metadata = sqlite({ file: join(DATA, 'registry.db') });
const registry = createRegistry({
  metadata,
  blobs: filesystem({ directory: join(DATA, 'blobs') }),
  // Without `authorize` the registry's own roles decide. alice may make alice/…, and the team `web` works on web/…
  access: { authenticate, identify, creation: 'namespace' },
  onError: (error) => console.error(error),
});
await metadata.putGrant({ pattern: parseNamePattern('web/*'), subject: '@web', role: 'contributor' });

const app = fastify();
await app.register(toFastifyPlugin(registry));
const sweeping = setInterval(() => void registry.sweep().catch(console.error), 10 * 60_000);
app.addHook('onClose', async () => {
  clearInterval(sweeping);
  await registry.close();
});

app.get('/', async (request, reply) => {
  const user = loggedIn(request.headers.authorization);
  if (user === undefined) return reply.code(401).header('WWW-Authenticate', 'Basic realm="Registry"').send('Log in.');
  return listImages(user);
});

await app.listen({ port: Number(PORT), host: '127.0.0.1' });
console.log(`The application and its registry are at http://127.0.0.1:${PORT}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void app.close());

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
