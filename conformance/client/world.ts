// Where the cases of the client run: a registry, a home of its own, and Moorage's own command.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../run-command.ts';
import { toolPath } from '../tools.ts';

const bin = fileURLToPath(new URL('../../packages/server/bin/moorage.js', import.meta.url));

/** The root of the repository, whose documents are pushed. */
export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));

/** A command under way. */
export interface RunningCommand {
  /** What it printed and how it ended. */
  readonly ended: Promise<{
    readonly exitCode: number | null;
    readonly signal: string | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
  /** Ends it without any chance to tidy up. */
  kill(): void;
}

/** What a case has. */
export interface World {
  /** Moorage, open to everyone: `127.0.0.1:40123`. */
  readonly registry: string;
  /** A folder of the case's own. */
  makeFolder(): Promise<string>;
  /** Starts `moorage` with the words. */
  start(words: readonly string[]): RunningCommand;
  /** Runs `moorage` with the words; returns what it printed on stdout. Rejects with all that it printed when it fails. */
  moorage(...words: readonly string[]): Promise<string>;
  /** Runs crane; returns what it printed on stdout. */
  crane(...words: readonly string[]): Promise<string>;
}

/** Makes a world in `directory`. */
export async function createWorld(directory: string, registry: string): Promise<World> {
  const home = join(directory, 'home');
  await mkdir(home);
  const env = { PATH: toolPath, HOME: home, LC_ALL: 'C.UTF-8' };
  const start: World['start'] = (words) => {
    // One process, so that a kill meets the command itself.
    const child = spawn(process.execPath, ['--conditions=moorage-source', bin, ...words], {
      cwd: repositoryRoot,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = once(child, 'close');
    const ended = Promise.all([closed, text(child.stdout), text(child.stderr)]).then(
      ([[exitCode, signal], stdout, stderr]) => ({ exitCode, signal, stdout, stderr }),
    );
    return { ended, kill: () => child.kill('SIGKILL') };
  };
  return {
    registry,
    makeFolder: () => mkdtemp(join(directory, 'case-')),
    start,
    async moorage(...words) {
      const { exitCode, stdout, stderr } = await start(words).ended;
      if (exitCode !== 0) throw new Error(`$ moorage ${words.join(' ')}\n${stdout}${stderr}(exit code ${exitCode})`);
      return stdout;
    },
    async crane(...words) {
      return (await runCommand('crane', words, { env })).stdout;
    },
  };
}
