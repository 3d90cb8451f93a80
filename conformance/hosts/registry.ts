import { join } from 'node:path';
import process from 'node:process';
import { createRegistry, type Registry } from '@moorage/registry';
import { filesystem } from '@moorage/registry/filesystem';
import { sqlite } from '@moorage/registry/sqlite';

/** The port of the loopback on which a host listens, from its environment. */
export const port = Number(setting('PORT'));

/** The registry of a host: open to everyone, with its data in the directory that its environment names. */
export function openRegistry(): Registry {
  const data = setting('DATA');
  return createRegistry({
    metadata: sqlite({ file: join(data, 'registry.db') }),
    blobs: filesystem({ directory: join(data, 'blobs') }),
    access: 'open',
    onError: (error) => console.error(error),
  });
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`Set ${name}.`);
  return value;
}
