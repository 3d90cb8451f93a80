import type { Command } from 'commander';
import { readSettings } from '../read-settings.ts';
import { settingRows } from '../settings.ts';
import { print } from './data-command.ts';
import { addSettingOptions } from './setting-options.ts';
import { table } from './table.ts';

/** `moorage config` */
export function addConfigCommand(program: Command): void {
  const command = program
    .command('config')
    .description('Show the settings that `serve` would have with the same flags, and where each comes from.')
    .option('--json', 'print one JSON document');
  const toSources = addSettingOptions(command);
  command.action((typed: Readonly<Record<string, unknown>> & { readonly json?: true }) => {
    const { settings, given } = readSettings(toSources(typed));
    const entries = settingRows.map(([name]) => ({ name, value: settings[name], ...given[name] }));
    const rows = entries.map(({ name, text, origin }) => [name, text, origin]);
    const json = Object.fromEntries(entries.map(({ name, value, origin }) => [name, { value: value ?? null, origin }]));
    print({ json, lines: table(['setting', 'value', 'from'], rows, '') }, typed);
  });
}
