import process from 'node:process';
import { type Command, Option } from 'commander';
import { callerDirectory, type SettingSources } from '../read-settings.ts';
import { flagOf, type SettingName, settingRows } from '../settings.ts';

/** Adds `--config` and a flag for each setting; returns what makes the sources of settings of what was typed. */
export function addSettingOptions(command: Command): (typed: Readonly<Record<string, unknown>>) => SettingSources {
  command.addOption(new Option('--config <file>', 'YAML file with settings (MOORAGE_CONFIG)'));
  const options = settingRows.map(([name, { type, default: fallback, description }]) => {
    const option = new Option(
      `${flagOf(name)} ${type.placeholder}`,
      fallback ? `${description} (default: ${fallback})` : description,
    );
    command.addOption(option);
    return [name, option] as const;
  });

  return (typed) => {
    const flags = new Map<SettingName, string>();
    for (const [name, option] of options) {
      const value = typed[option.attributeName()];
      if (value !== undefined) flags.set(name, String(value));
    }
    const configFile = typed['config'] === undefined ? undefined : String(typed['config']);
    return { flags, environment: process.env, configFile, directory: callerDirectory() };
  };
}
