import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { toolPath } from './tools.ts';

export type CommandOptions = {
  readonly cwd?: string;
  /** The whole environment of the command; by default this process's, with the tools on PATH. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to the command's standard input, which is otherwise empty. */
  readonly input?: string | Uint8Array;
  /** A command that takes longer is ended and has failed. Default: 120 s. */
  readonly timeoutMs?: number;
};

export type CommandResult = {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The command as typed, how it ended and all that it printed, for people. */
  readonly transcript: string;
};

/** Runs a command without a shell and tells how it ended; throws only when there is no such program. */
export async function tryCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const env = options.env ?? { ...process.env, PATH: toolPath };
  const timeout = options.timeoutMs ?? 120_000;
  const child = spawn(command, args, { cwd: options.cwd, env, timeout, stdio: 'pipe' });
  const exited = once(child, 'close');
  child.stdin.on('error', () => child.stdin.destroy()); // EPIPE: the command does not read its input
  child.stdin.end(options.input ?? '');
  const [stdout, stderr, [exitCode, signal]] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  const end = signal === null ? `exit code ${exitCode}` : `ended by ${signal}`;
  return { exitCode, stdout, stderr, transcript: `$ ${[command, ...args].join(' ')}\n${stdout}${stderr}(${end})` };
}

/** As `tryCommand`, but throws an error with the transcript unless the command succeeds. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await tryCommand(command, args, options);
  if (result.exitCode !== 0) throw new Error(result.transcript);
  return result;
}
