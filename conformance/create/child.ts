import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

/** Where a program runs, and which address answers once it is ready. */
export type Start = {
  readonly cwd: string;
  /** The whole environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly url: string;
  readonly timeoutMs: number;
};

/** Starts a line of the shell and calls `use` once the address answers, whatever it says; ends the program, and all that it started, in any case. Throws with what it printed. */
export async function whileRunning(line: string, start: Start, use: () => Promise<void>): Promise<void> {
  const { cwd } = start;
  // Under npm it names the directory of who typed, from where relative paths would be taken.
  const { INIT_CWD, ...env } = start.env;
  // A process group of its own, so that a signal reaches what the shell started.
  const child = spawn(line, { shell: true, detached: true, cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  const closed = once(child, 'close');
  const end = () => signal(child, 'SIGTERM');
  process.once('exit', end);
  try {
    await untilReady(child, start);
    await use();
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.stack : error}\n"${line}" printed:\n${printed.slice(-4000)}`);
  } finally {
    process.off('exit', end);
    end();
    const inTime = await Promise.race([closed, delay(20_000, undefined, { ref: false })]);
    if (inTime === undefined) signal(child, 'SIGKILL');
  }
}

async function untilReady(child: ChildProcess, { url, timeoutMs }: Start): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (child.exitCode === null && performance.now() < deadline) {
    const answer = await fetch(url, { headers: { Connection: 'close' }, redirect: 'manual' }).catch(() => undefined); // refused: it does not listen yet
    await answer?.arrayBuffer();
    if (answer !== undefined) return;
    await delay(50);
  }
  throw new Error(`${url} did not answer.`);
}

function signal({ pid, exitCode }: ChildProcess, name: NodeJS.Signals): void {
  if (pid !== undefined && exitCode === null) process.kill(-pid, name);
}
