import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Command, Option } from 'commander';
import { ExitError } from './exit-error.ts';
import { readSettings } from './read-settings.ts';
import { flagOf, type SettingName, settingRows } from './settings.ts';

/** Runs the command that `words` (what was typed after `moorage`) say, and ends the process with 0, or with 1 after one sentence on stderr. */
export async function runCommand(words: readonly string[]): Promise<void> {
  // Whoever read the output may be gone, a closed terminal or a pipe to `head`: that must not end a server.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    await createProgram().parseAsync(words, { from: 'user' });
    process.exit(0);
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const program = new Command('moorage')
    .description('A registry for container images and other OCI artifacts.')
    .version(version, '-V, --version')
    // Commander writes its suggestion on a line of its own.
    .configureOutput({ outputError: (message, write) => write(`${message.trim().replace(/\n/g, ' ')}\n`) });
  addServe(program, version);
  return program;
}

function addServe(program: Command, version: string): void {
  const command = program
    .command('serve')
    .description('Run the registry until Ctrl-C or SIGTERM stops it.')
    .addHelpText('after', '\nEach setting is also a variable (--a-b is MOORAGE_A_B) and a key of the --config file.')
    .addOption(new Option('--config <file>', 'YAML file with settings (MOORAGE_CONFIG)'));
  const options = settingRows.map(([name, { type, default: fallback, description }]) => {
    const option = new Option(
      `${flagOf(name)} ${type.placeholder}`,
      fallback ? `${description} (default: ${fallback})` : description,
    );
    command.addOption(option);
    return [name, option] as const;
  });

  command.action(async (typed: Record<string, string | true | undefined>) => {
    const flags = new Map<SettingName, string>();
    for (const [name, option] of options) {
      const value = typed[option.attributeName()];
      if (value !== undefined) flags.set(name, String(value));
    }
    const configFile = typed['config'] === undefined ? undefined : String(typed['config']);
    // npm starts scripts in the package's directory and tells where it was called.
    const directory = process.env['INIT_CWD'] ?? process.cwd();
    const settings = readSettings({ flags, environment: process.env, configFile, directory });
    // Loaded only now: help and refusals need not wait for the registry.
    const { serve } = await import('./serve.ts');
    await serve(settings, { directory, version });
  });
}
