import { setTimeout as wait } from 'node:timers/promises';
import type { Held } from './load/hold.ts';
import type { Server, Target } from './target.ts';
import { readUsage } from './usage.ts';

const settleMs = 500;

/** Starts a server, lets `hold` bring clients to it, and returns its resident memory in MiB half a second later. */
export async function measureMemory(
  server: Server,
  directory: string,
  hold: (target: Target) => Promise<Held>,
): Promise<number> {
  const target = await server.start(directory);
  try {
    const held = await hold(target);
    await wait(settleMs);
    const usage = readUsage(target.pid);
    held.close();
    if (usage === undefined) throw new Error('The memory of a process is read from /proc, which is not here.');
    return usage.residentMib;
  } finally {
    await target.stop();
  }
}
