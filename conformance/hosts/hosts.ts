// The programs that embed the library, one for each adapter and for each runtime, and how they are started.
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { installPackages } from '../../tools/install-packages.ts';
import { runCommand } from '../run-command.ts';

/** Where the hosts lie. */
export const hostsDirectory = fileURLToPath(new URL('.', import.meta.url));

/** The hosts' names. */
export const hostNames = ['node', 'express', 'fastify', 'hono', 'next', 'bun', 'deno'] as const;
export type HostName = (typeof hostNames)[number];

/** A command without a shell: its program and arguments. */
export type Command = readonly [program: string, ...args: string[]];

const sources = ['--conditions', 'moorage-source'] as const;

/** How a host is started in `hostsDirectory`, to listen on a port of the loopback; `PORT` and `DATA` stand in its environment. */
export function hostCommand(host: HostName, port: number): Command {
  switch (host) {
    case 'bun':
      return [findRuntime('@oven', 'bin/bun'), ...sources, 'bun.ts'];
    case 'deno': {
      const address = ['--host', '127.0.0.1', '--port', String(port)];
      return [findRuntime('@deno', 'deno'), 'serve', ...sources, '--allow-all', '--no-lock', ...address, 'deno.ts'];
    }
    case 'next':
      return [process.execPath, 'next/node_modules/next/dist/bin/next', 'start', 'next', '-H', '127.0.0.1'];
    default:
      return [process.execPath, ...sources, `${host}.ts`];
  }
}

/** Next serves what was built; other hosts run the sources. */
export async function prepareHosts(hosts: readonly HostName[]): Promise<void> {
  if (!hosts.includes('next')) return;
  const application = join(hostsDirectory, 'next');
  installPackages(application);
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
  const next = ['node_modules/next/dist/bin/next', 'build'];
  await runCommand(process.execPath, next, { cwd: application, env, timeoutMs: 300_000 });
}

/** npm installs the one package of a runtime that fits this machine, without its install script. */
function findRuntime(scope: string, program: string): string {
  const directory = join(hostsDirectory, 'runtimes/node_modules', scope);
  const [name] = existsSync(directory) ? readdirSync(directory) : [];
  if (name === undefined) throw new Error(`There is no ${scope}: run "node tools/run.js conformance/install.ts".`);
  const file = join(directory, name, program);
  chmodSync(file, 0o755);
  return file;
}
