import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, open, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const packageDirectory = join(root, 'packages/server');

/** A server whose process is known. */
export interface MeasuredServer {
  readonly url: string;
  /** The process that serves. */
  readonly pid: number;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

/** Starts `moorage serve` with an empty data directory, in one process: the built packages as an installation runs them, or with `fromSources` the sources. Throws when it ends before it is ready. */
export async function startMeasured({ fromSources }: { readonly fromSources: boolean }): Promise<MeasuredServer> {
  const directory = await mkdtemp(join(tmpdir(), 'moorage-memory-'));
  const bin = fromSources ? join(packageDirectory, 'bin/moorage.js') : await install(directory);
  const flags = fromSources ? ['--conditions=moorage-source'] : [];
  const words = ['serve', '--open', '--listen', '127.0.0.1:0', '--data', join(directory, 'data')];
  const log = await open(join(directory, 'server.log'), 'w');
  const child = spawn(process.execPath, [...flags, bin, ...words], { stdio: ['ignore', 'pipe', log.fd] });
  const exited = once(child, 'exit');
  await log.close();
  const stop = async () => {
    child.kill();
    await exited;
    await rm(directory, { recursive: true, force: true });
  };
  process.once('exit', () => child.kill('SIGKILL'));
  const url = await Promise.race([readAddress(child.stdout), exited.then(() => undefined)]);
  if (url !== undefined && child.pid !== undefined) return { url, pid: child.pid, stop };
  await stop();
  throw new Error('The server ended before it was ready.');
}

/** Builds the packages and lays the command where no sources are beside it; returns its path. */
async function install(directory: string): Promise<string> {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const built = spawnSync(process.execPath, [compiler, '-b', 'packages/registry', 'packages/server'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (built.status !== 0) throw new Error('The packages cannot be built.');
  const place = join(directory, 'moorage');
  await mkdir(place);
  for (const name of ['bin', 'package.json'])
    await cp(join(packageDirectory, name), join(place, name), { recursive: true });
  await symlink(join(packageDirectory, 'dist'), join(place, 'dist'));
  return join(place, 'bin/moorage.js');
}

/** Goes on reading afterwards, since the server must not wait for a full pipe. */
function readAddress(stdout: NodeJS.ReadableStream | null): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const [, url] = /address {2}(http:\S+)/.exec(said) ?? [];
      if (url !== undefined) resolve(url);
    });
  });
}
