// Bun serves what this file exports: `bun server.ts`.
import { join } from 'node:path';
import process from 'node:process';
import { createRegistry, type Identity } from '@moorage/registry';
import { filesystem } from '@moorage/registry/filesystem';
import { sqlite } from '@moorage/registry/sqlite';
import { authenticate, authorize, identify } from './users.ts';

const { PORT = '3000', DATA = './data' } = process.env;
const registry = createRegistry({
  metadata: sqlite({ file: join(DATA, 'registry.db') }),
  blobs: filesystem({ directory: join(DATA, 'blobs') }),
  access: { authenticate, identify, authorize },
  onError: (error) => console.error(error),
});
await registry.ready();
registry.keepSwept();
console.log(`The application and its registry are at http://127.0.0.1:${PORT}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());

export default {
  hostname: '127.0.0.1',
  port: Number(PORT),
  maxRequestBodySize: Number.MAX_SAFE_INTEGER, // Bun's own limit is 128 MiB, and a layer may be larger
  idleTimeout: 255, // seconds, the most that Bun takes: a large upload may be read once more before it is answered
  development: false, // else a fault shows its source to the client
  fetch(request: Request, server: AddressTeller): Response | Promise<Response> {
    const { pathname } = new URL(request.url);
    // The address bounds who guesses keys: a Request alone does not have it.
    if (registry.owns(pathname)) return registry.fetch(request, { address: server.requestIP(request)?.address });
    return pathname === '/' ? showImages(request) : new Response('There is no such page.\n', { status: 404 });
  },
};

/** What is used of Bun's server. */
interface AddressTeller {
  requestIP(request: Request): { readonly address: string } | null;
}

/** The page takes the same keys as docker, by the browser's own prompt. */
async function showImages(request: Request): Promise<Response> {
  const [, encoded = ''] = /^Basic (\S+)$/.exec(request.headers.get('Authorization') ?? '') ?? [];
  const [username = '', password = ''] = Buffer.from(encoded, 'base64').toString().split(':');
  const user = authenticate({ username, password });
  if (user === undefined) {
    return new Response('Log in.\n', { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="Registry"' } });
  }
  return new Response(await listImages(user));
}

/** A line for each tag that the user may pull: pages ask by the same door as docker. */
async function listImages(user: Identity): Promise<string> {
  const own = registry.as(user);
  const { items: names } = await own.listRepositories();
  const lines = names.map(async (name) => {
    const { items: tags } = await own.listTags(name);
    return tags.map(({ tag, movedMs }) => `${name}:${tag} since ${new Date(movedMs).toISOString()}\n`).join('');
  });
  return `${user.id} may pull\n${(await Promise.all(lines)).join('')}`;
}

async function stop(): Promise<void> {
  await registry.close(); // waits for pushes under way; a client whose download is cut asks again
  process.exit();
}
