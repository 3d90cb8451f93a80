import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { blobsOf, makeManifest, manifestBlobs, mib } from './content.ts';
import { findProgram } from './program.ts';
import { push } from './seed.ts';
import type { Server, Target } from './target.ts';

/** How often a server flushed to disk between a request and its answer; 0 means that an answered push may be lost when the power fails. */
export interface Flushes {
  readonly blobPush: number;
  readonly manifestPut: number;
}

const calls = 'fsync,fdatasync,sync_file_range,syncfs,msync';

/** Why flushes cannot be counted here; undefined where they can. */
export function flushesUnknown(): string | undefined {
  return findProgram('strace') ? undefined : 'strace is not installed';
}

/**
 * Counts flushes in one push of a 1 MiB blob and one of a manifest to a new server, with strace on it. Undefined where the server's process is not known
 * or may not be traced.
 */
export async function countFlushes(server: Server, directory: string): Promise<Flushes | undefined> {
  const strace = findProgram('strace');
  const target = await server.start(directory);
  try {
    if (!strace || target.pid === 0) return undefined;
    await push(target, { blobs: manifestBlobs });
    return await traced(strace, target, join(directory, 'strace.log'));
  } finally {
    await target.stop();
  }
}

async function traced(strace: string, target: Target, logFile: string): Promise<Flushes | undefined> {
  const tracer = spawn(strace, ['-f', '-ttt', '-T', '-e', `trace=${calls}`, '-o', logFile, '-p', String(target.pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(tracer, 'exit');
  const attached = createInterface({ input: tracer.stderr })[Symbol.asyncIterator]().next();
  const { value } = await attached;
  if (typeof value !== 'string' || !/attached/.test(value)) {
    await ended;
    return undefined;
  }
  const spans = {
    blobPush: await timed(() => push(target, { blobs: [blobsOf(mib)('flushed')] })),
    manifestPut: await timed(() =>
      push(target, { blobs: [], manifest: { tag: 'flushed', text: makeManifest('flushed') } }),
    ),
  };
  tracer.kill('SIGINT');
  await ended;
  const ends = flushEnds(readFileSync(logFile, 'utf8'));
  const count = ({ from, to }: Span) => ends.filter((at) => at >= from && at <= to).length;
  return { blobPush: count(spans.blobPush), manifestPut: count(spans.manifestPut) };
}

/** Wall time in seconds, as strace writes it. */
interface Span {
  readonly from: number;
  readonly to: number;
}

async function timed(work: () => Promise<void>): Promise<Span> {
  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  const from = now();
  await work();
  return { from, to: now() };
}

/** When each flush ended. A call that another thread's interrupted stands on two lines, of which the second, `resumed`, is its end. */
function flushEnds(log: string): number[] {
  return log.split('\n').flatMap((line) => {
    const [, at, rest = '', took] = /^\d+\s+([\d.]+) (.*?= 0 )<([\d.]+)>$/.exec(line) ?? [];
    if (!at) return [];
    return [rest.startsWith('<...') ? Number(at) : Number(at) + Number(took)];
  });
}
