// Distribution, the registry that most others descend from, as a neighbour to copy from and to.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from '../../tools/free-port.ts';
import { toolPath } from '../tools.ts';

/** A registry that answers. */
export interface Neighbour {
  /** `127.0.0.1:40123` */
  readonly host: string;
  stop(): Promise<void>;
}

const program = 'registry';
const readyTimeoutMs = 20_000;

/** Starts it with its data in `directory`, on a free port of the loopback; `stop` it. Rejects where the program `registry` is not installed. */
export async function startDistribution(directory: string): Promise<Neighbour> {
  const host = `127.0.0.1:${await findFreePort()}`;
  const configuration = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, 'data') } },
    http: { addr: host },
  };
  const file = join(directory, 'distribution.yml');
  await writeFile(file, JSON.stringify(configuration));
  // Without this it sends traces to a collector that is not there.
  const env = { PATH: toolPath, OTEL_TRACES_EXPORTER: 'none' };
  const child = spawn(program, ['serve', file], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const log = createWriteStream(join(directory, 'distribution.log'));
  child.stderr.pipe(log);
  const started = await Promise.race([
    untilReady(`http://${host}/v2/`),
    once(child, 'error').then(([error]) => {
      throw new Error('There is no program registry: node tools/run.js conformance/install.ts', { cause: error });
    }),
    once(child, 'exit').then(() => false),
  ]);
  const kill = () => child.kill();
  process.on('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    if (child.exitCode !== null || !child.kill()) return;
    await once(child, 'exit');
  };
  if (started) return { host, stop };
  await stop();
  throw new Error(`distribution did not become ready at ${host}; its log is ${log.path}.`);
}

async function untilReady(url: string): Promise<boolean> {
  const deadline = performance.now() + readyTimeoutMs;
  while (performance.now() < deadline) {
    const answer = await fetch(url).catch(() => undefined); // it does not listen yet
    await answer?.arrayBuffer();
    if (answer?.status === 200) return true;
    await delay(50);
  }
  return false;
}
