import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installBuilt } from '../../tools/install-built.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A server whose process is known. */
export interface MeasuredServer {
  readonly url: string;
  /** The process that serves. */
  readonly pid: number;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

/** How a server is started that is measured. */
export interface Measured {
  /** The sources, in the place of the built packages as an installation runs them. */
  readonly fromSources: boolean;
  /** That answer requests. */
  readonly threads: number;
}

/** Starts `moorage serve` with an empty data directory, in one process. Throws when it ends before it is ready. */
export async function startMeasured({ fromSources, threads }: Measured): Promise<MeasuredServer> {
  const directory = await mkdtemp(join(tmpdir(), 'moorage-memory-'));
  const bin = fromSources
    ? join(root, 'packages/server/bin/moorage.js')
    : installBuilt(root, join(directory, 'moorage'));
  const flags = fromSources ? ['--conditions=moorage-source'] : [];
  const words = [
    'serve',
    '--open',
    '--listen',
    '127.0.0.1:0',
    '--data',
    join(directory, 'data'),
    '--threads',
    String(threads),
  ];
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
