import type { Command } from 'commander';
import { readSettings } from '../read-settings.ts';
import { addSettingOptions } from './setting-options.ts';

/** `moorage serve` */
export function addServeCommand(program: Command, version: string): void {
  const command = program
    .command('serve')
    .description('Run the registry until Ctrl-C or SIGTERM stops it.')
    .addHelpText('after', '\nEach setting is also a variable (--a-b is MOORAGE_A_B) and a key of the --config file.');
  const toSources = addSettingOptions(command);
  command.action(async (typed: Record<string, unknown>) => {
    const sources = toSources(typed);
    const { settings } = readSettings(sources);
    // Loaded only now: help and refusals need not wait for the registry.
    const { serve } = await import('../serve.ts');
    await serve(settings, { directory: sources.directory, version });
  });
}
