import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { manifestType } from '../content.ts';
import { findProgram } from '../program.ts';
import type { Target } from '../target.ts';
import { reapedChildrenCpuSeconds } from '../usage.ts';
import type { Job, Outcome } from './job.ts';

const run = promisify(execFile);

/** Runs a job against `target` from a process of its own. Rejects on the first answer that is not the expected one. */
export async function runLoad(
  { host, port, authorization }: Target,
  job: Omit<Job, 'host' | 'port' | 'authorization'>,
): Promise<Outcome> {
  const whole: Job = { ...job, host, port, authorization };
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'client.ts'), JSON.stringify(whole)]);
  return JSON.parse(stdout);
}

/** GETs one path over `clients` connections for `seconds`: with wrk where it is installed, which uses about half the CPU time, else with our own client. */
export async function runGets(
  target: Target,
  { path, clients, seconds }: { path: string; clients: number; seconds: number },
): Promise<Outcome> {
  const wrk = findProgram('wrk');
  if (!wrk) return runLoad(target, { clients, seconds, work: { kind: 'read', reads: [{ method: 'GET', path }] } });
  const fields = [`Accept: ${manifestType}, */*`];
  if (target.authorization !== undefined) fields.push(`Authorization: ${target.authorization}`);
  const cpuBefore = reapedChildrenCpuSeconds();
  const { stdout } = await run(wrk, [
    '-t1',
    `-c${clients}`,
    `-d${Math.max(1, Math.round(seconds))}s`,
    ...fields.flatMap((field) => ['-H', field]),
    `http://${target.host}:${target.port}${path}`,
  ]);
  return { ...parseWrk(stdout), clientCpuSeconds: reapedChildrenCpuSeconds() - cpuBefore };
}

function parseWrk(text: string): { steps: number; bytes: number; elapsedSeconds: number } {
  if (/Non-2xx|Socket errors/.test(text)) throw new Error(`wrk met errors:\n${text}`);
  const steps = Number(/(\d+) requests in/.exec(text)?.[1]);
  const perSecond = Number(/Requests\/sec: *([\d.]+)/.exec(text)?.[1]);
  if (!(steps > 0 && perSecond > 0)) throw new Error(`wrk said something new:\n${text}`);
  return { steps, bytes: 0, elapsedSeconds: steps / perSecond };
}
