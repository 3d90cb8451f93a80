import { createHash } from 'node:crypto';
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../tools/free-port.ts';
import { blobsOf, kib, mib } from '../content.ts';
import { runGets, runLoad } from '../load/load.ts';
import { launch } from '../servers/process.ts';
import { readUsage } from '../usage.ts';

/** What one part of this machine does at best, with nothing of a registry in the way. */
export interface Limit {
  readonly name: string;
  readonly perSecond: number;
  readonly unit: 'MiB/s' | 'flushes/s' | 'requests/s';
  /** CPU seconds of the server for each GiB or 1,000 requests, where there is one. */
  readonly cpuSeconds?: number | undefined;
}

/** Measures every limit, each for `seconds`, with files in `directory`. */
export async function measureLimits(directory: string, seconds: number): Promise<Limit[]> {
  return [
    hashing(seconds),
    flushing(join(directory, 'flushed'), seconds),
    writing(join(directory, 'written'), seconds),
    ...(await answering(join(directory, 'answering'), seconds)),
  ];
}

/** SHA-256 of 1 MiB at a time, in one thread. */
function hashing(seconds: number): Limit {
  const piece = Buffer.alloc(mib, 'hashed');
  const hash = createHash('sha256');
  return { name: 'SHA-256 of one core', unit: 'MiB/s', perSecond: ratePerSecond(seconds, () => hash.update(piece)) };
}

/** Appends 4 KiB and waits for the disk, again and again, as a database's log does. */
function flushing(file: string, seconds: number): Limit {
  const piece = Buffer.alloc(4 * kib, 'flushed');
  const perSecond = withFile(file, (descriptor) =>
    ratePerSecond(seconds, () => {
      writeSync(descriptor, piece);
      fdatasyncSync(descriptor);
    }),
  );
  return { name: '4 KiB appended and flushed (fdatasync)', unit: 'flushes/s', perSecond };
}

/** Writes a file of 256 MiB and flushes it at its end, as a large blob is. */
function writing(file: string, seconds: number): Limit {
  const [...pieces] = blobsOf(256 * mib)('written').pieces;
  const filesPerSecond = ratePerSecond(seconds, () =>
    withFile(file, (descriptor) => {
      for (const piece of pieces) writeSync(descriptor, piece);
      fdatasyncSync(descriptor);
    }),
  );
  return { name: '256 MiB written and flushed once', unit: 'MiB/s', perSecond: 256 * filesPerSecond };
}

/** A Node process that only answers: as many small answers as it can, and 256 MiB of its memory as fast as loopback takes them. */
async function answering(directory: string, seconds: number): Promise<Limit[]> {
  await mkdir(directory, { recursive: true });
  const port = await findFreePort();
  const target = await launch({
    name: 'the server of the limits',
    command: process.execPath,
    args: [fileURLToPath(new URL('./server.ts', import.meta.url)), String(port)],
    cwd: directory,
    port,
    readyPath: '/small',
    logDirectory: directory,
  });
  const cpuSeconds = () => readUsage(target.pid)?.cpuSeconds ?? Number.NaN;
  const pull = async (clients: number): Promise<Limit> => {
    const before = cpuSeconds();
    const reads = [{ method: 'GET', path: '/large' }] as const;
    const done = await runLoad(target, { clients, seconds, work: { kind: 'read', reads } });
    return {
      name: `bytes from memory over loopback, ${clients} client${clients === 1 ? '' : 's'}`,
      unit: 'MiB/s',
      perSecond: done.bytes / mib / done.elapsedSeconds,
      cpuSeconds: ((cpuSeconds() - before) / done.bytes) * 1024 * mib,
    };
  };
  try {
    await runGets(target, { path: '/small', clients: 16, seconds: 1 });
    const before = cpuSeconds();
    const { steps, elapsedSeconds } = await runGets(target, { path: '/small', clients: 16, seconds });
    const small: Limit = {
      name: "one process's HTTP: answers of 500 bytes, 16 clients",
      unit: 'requests/s',
      perSecond: steps / elapsedSeconds,
      cpuSeconds: ((cpuSeconds() - before) / steps) * 1000,
    };
    return [small, await pull(1), await pull(4)];
  } finally {
    await target.stop();
  }
}

function ratePerSecond(seconds: number, act: () => void): number {
  const start = performance.now();
  let elapsedMs = 0;
  let times = 0;
  while (elapsedMs < seconds * 1000) {
    act();
    times += 1;
    elapsedMs = performance.now() - start;
  }
  return (times / elapsedMs) * 1000;
}

function withFile<Result>(file: string, act: (descriptor: number) => Result): Result {
  const descriptor = openSync(file, 'w');
  try {
    return act(descriptor);
  } finally {
    closeSync(descriptor);
    rmSync(file);
  }
}
