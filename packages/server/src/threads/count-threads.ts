import { availableParallelism } from 'node:os';
import process from 'node:process';
import { ExitError } from '../exit-error.ts';
import type { Settings } from '../settings.ts';

/** More are for somebody to choose who knows what else runs there: each takes 21 MiB at rest. */
const mostUnasked = 4;

/** How many threads answer requests. Throws an `ExitError` where the settings want several and there cannot be. */
export function countThreads(
  { threads, tls }: Pick<Settings, 'threads' | 'tls'>,
  { platform = process.platform, cores = availableParallelism() } = {},
): number {
  const obstacle = obstacleOf(tls, platform);
  if (threads !== undefined && threads > 1 && obstacle !== undefined) throw new ExitError(obstacle);
  return threads ?? (obstacle === undefined ? Math.min(cores, mostUnasked) : 1);
}

/** Why there can be one thread alone, and what to do. */
function obstacleOf(tls: Settings['tls'], platform: string): string | undefined {
  if (tls !== undefined)
    return 'With tls one thread answers all requests: take threads away, or let a proxy speak TLS.';
  if (platform === 'linux') return undefined;
  return `Threads share an address only on Linux, and this is ${platform}: take threads away.`;
}
