import process from 'node:process';
import type { Command } from 'commander';
import { callerDirectory, readSettings } from '../read-settings.ts';
import type { Settings } from '../settings.ts';
import type { Data } from './open-data.ts';

/** Flags that every command on a data directory takes. */
export interface DataOptions {
  readonly data?: string;
  readonly config?: string;
  readonly json?: true;
}

/** What a command found or did: for programs, and for people. */
export interface Answer {
  /** Printed as the one JSON document of `--json`. */
  readonly json: unknown;
  readonly lines: readonly string[];
}

/** Adds a command on a data directory to `parent`; `usage` is its word and its arguments. */
export function addDataCommand(parent: Command, usage: string, description: string): Command {
  return parent
    .command(usage)
    .description(description)
    .option('--data <directory>', 'directory of the server, whether it runs or not (MOORAGE_DATA; default: ./data)')
    .option('--config <file>', 'YAML file with settings (MOORAGE_CONFIG)')
    .option('--json', 'print one JSON document');
}

/** Opens the data directory that the flags or the settings name, runs the command on it, closes it, and prints the answer. `makes`: the directory is made where there is none.
 *  Rejects with an `ExitError` where the directory or what was typed does not allow it. */
export async function onData(
  options: DataOptions,
  run: (data: Data) => Promise<Answer | undefined>,
  { makes = false }: { readonly makes?: boolean } = {},
): Promise<void> {
  const { settings, directory } = readDataSettings(options);
  // Loaded only now: help and refusals need not wait for the registry.
  const { withData } = await import('./open-data.ts');
  const answer = await withData({ settings, directory, makes }, run);
  if (answer !== undefined) print(answer, options);
}

/** The settings that the flags, the environment and the file say, and the directory that relative paths start from. */
export function readDataSettings(options: DataOptions): {
  readonly settings: Settings;
  readonly directory: string;
} {
  const directory = callerDirectory();
  const { settings } = readSettings({
    flags: new Map(options.data === undefined ? [] : [['data', options.data]]),
    environment: process.env,
    configFile: options.config,
    directory,
  });
  return { settings, directory };
}

/** Prints an answer on stdout, in the form that was asked for. */
export function print({ json, lines }: Answer, { json: isJson }: Pick<DataOptions, 'json'>): void {
  const text = isJson === true ? JSON.stringify(json, undefined, 2) : lines.join('\n');
  process.stdout.write(`${text}\n`);
}
