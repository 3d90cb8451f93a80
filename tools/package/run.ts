import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** How a command ended, and what it printed on both streams together. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a command without a shell, for five minutes at most. */
export async function tryRun(command: string, args: readonly string[], cwd: string): Promise<Ended> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 });
  const closed = once(child, 'close');
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { code, output: stdout + stderr };
}

/** As `tryRun`; throws what the command printed unless it succeeds. */
export async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, output } = await tryRun(command, args, cwd);
  if (code !== 0) throw new Error(`${[command, ...args].join(' ')}\n${output}(exit code ${code})`);
  return output;
}
