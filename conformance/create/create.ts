import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../run-command.ts';

/** This repository. */
export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));

/** A case, and a directory of its own that it runs in. */
export type Case = {
  readonly name: string;
  /** A program that the case needs and this machine may lack. */
  readonly needs?: string;
  run(directory: string): Promise<void>;
};

/** Makes the folder `made` in a directory by the command, and returns its path. */
export async function create(directory: string, flags: readonly string[]): Promise<string> {
  const command = join(repositoryRoot, 'packages/create-moorage/bin/create-moorage.js');
  await runCommand(process.execPath, [command, 'made', ...flags], { cwd: directory });
  return join(directory, 'made');
}
