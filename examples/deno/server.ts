// Deno serves what this file exports: `deno serve server.ts`, which takes address and port.
import { join } from 'node:path';
import process from 'node:process';
import { createRegistry, type Identity } from '@moorage/registry';
import { filesystem } from '@moorage/registry/filesystem';
import { sqlite } from '@moorage/registry/sqlite';
import { authenticate, identify } from './users.ts';

const { DATA = './data' } = process.env;
const registry = createRegistry({
  metadata: sqlite({ file: join(DATA, 'registry.db') }),
  blobs: filesystem({ directory: join(DATA, 'blobs') }),
  // Without `authorize` the registry's own roles decide: alice may make alice/…
  access: { authenticate, identify, creation: 'namespace' },
  onError: (error) => console.error(error),
});
await registry.setRole('web/*', '@web', 'contributor'); // … and the team `web` works on web/…
registry.keepSwept();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());

export default {
  fetch(request: Request, { remoteAddr }: Connection): Response | Promise<Response> {
    const { pathname } = new URL(request.url);
    // The address bounds who guesses keys: a Request alone does not have it.
    if (registry.owns(pathname)) return registry.fetch(request, { address: remoteAddr.hostname });
    return pathname === '/' ? showImages(request) : new Response('There is no such page.\n', { status: 404 });
  },
};

/** What is used of what Deno knows of a connection. */
interface Connection {
  readonly remoteAddr: { readonly hostname: string };
}

/** The page takes the same keys as docker, by the browser's own prompt. */
async function showImages(request: Request): Promise<Response> {
  const [, encoded = ''] = /^Basic (\S+)$/.exec(request.headers.get('Authorization') ?? '') ?? [];
  const [username = '', password = ''] = atob(encoded).split(':');
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
