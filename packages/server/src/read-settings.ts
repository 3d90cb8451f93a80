import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { parse } from 'yaml';
import { ExitError } from './exit-error.ts';
import { nearest } from './nearest.ts';
import { flagOf, type SettingName, type Settings, settingRows, variableOf } from './settings.ts';

/** Where settings come from. */
export interface SettingSources {
  /** What was typed, by the name of the setting. */
  readonly flags: ReadonlyMap<SettingName, string>;
  readonly environment: NodeJS.ProcessEnv;
  /** Path of the YAML file, from `--config`. */
  readonly configFile: string | undefined;
  /** Directory that relative paths start from. */
  readonly directory: string;
}

/** A value that was given, and the words for where. */
interface Given {
  readonly value: unknown;
  readonly origin: string;
}

/** The settings, and for each what was given as text and where. */
export interface ReadSettings {
  readonly settings: Settings;
  readonly given: Readonly<Record<SettingName, { readonly text: string; readonly origin: string }>>;
}

/** The directory that relative paths start from: npm starts scripts in the package's directory and tells where it was called. */
export function callerDirectory(): string {
  return process.env['INIT_CWD'] ?? process.cwd();
}

const names: readonly string[] = settingRows.map(([name]) => name);

/** The settings: a flag goes before the environment, that before the file, that before the default.
 *  Throws an `ExitError` with one line for each thing that is wrong, saying where it stands. */
export function readSettings(sources: SettingSources): ReadSettings {
  const errors: string[] = [];
  const environment = readEnvironment(sources.environment, errors);
  const configFile = sources.configFile ?? environment.get('config')?.value;
  const file = configFile === undefined ? undefined : readFile(resolve(sources.directory, configFile), errors);

  const settings: Record<string, unknown> = {};
  const texts: Record<string, { text: string; origin: string }> = {};
  for (const [name, { type, default: fallback }] of settingRows) {
    const typed = sources.flags.get(name);
    const { value, origin }: Given =
      typed === undefined
        ? (environment.get(name) ?? file?.get(name) ?? { value: fallback, origin: 'default' })
        : { value: typed, origin: flagOf(name) };
    const result = type.schema.safeParse(value);
    if (result.success) settings[name] = result.data;
    else errors.push(`${origin} is ${JSON.stringify(value)}: it must be ${type.expects}.`);
    texts[name] = { text: textOf(value), origin };
  }
  if (errors.length > 0) throw new ExitError(errors.join('\n'));
  return { settings: settings as Settings, given: texts as ReadSettings['given'] };
}

/** As it would be typed. */
function textOf(value: unknown): string {
  const hasMappings = isMapping(value) || (Array.isArray(value) && value.some(isMapping));
  return hasMappings ? JSON.stringify(value) : String(value ?? '');
}

/** Kubernetes gives each pod variables for every service: those of one that is called "moorage" are not settings. */
const isServiceLink = (variable: string, value: string) =>
  /^MOORAGE_(SERVICE_(HOST|PORT.*)|PORT_\d+_(TCP|UDP|SCTP).*)$/.test(variable) ||
  (variable === 'MOORAGE_PORT' && /^(tcp|udp|sctp):/.test(value));

/** The variables `MOORAGE_…` by the name of their setting, and `config`. An empty one counts as not set. */
function readEnvironment(environment: NodeJS.ProcessEnv, errors: string[]) {
  const variables = new Map(['config', ...names].map((name) => [variableOf(name), name]));
  const found = new Map<string, { value: string; origin: string }>();
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('MOORAGE_') || !value || isServiceLink(variable, value)) continue;
    const name = variables.get(variable);
    if (name !== undefined) found.set(name, { value, origin: variable });
    else errors.push(`There is no setting ${variable}: the nearest is ${nearest(variable, [...variables.keys()])}.`);
  }
  return found;
}

/** The values of a YAML file by the name of their setting. */
function readFile(path: string, errors: string[]): ReadonlyMap<string, Given> {
  const found = new Map<string, Given>();
  const collect = (value: unknown, name: string): void => {
    if (isMapping(value) && !names.includes(name)) {
      for (const [key, inner] of Object.entries(value)) collect(inner, name === '' ? key : `${name}.${key}`);
    } else if (!names.includes(name)) {
      errors.push(`There is no setting ${name} (in ${path}): the nearest is ${nearest(name, names)}.`);
    } else if (found.has(name)) {
      errors.push(`${name} stands twice in ${path}: keep one.`);
    } else {
      found.set(name, { value, origin: `${name} in ${path}` });
    }
  };
  const content = parseFile(path);
  if (isMapping(content)) collect(content, '');
  else if (content !== null) errors.push(`${path} must hold settings by name, such as "listen: 127.0.0.1:5000".`);
  return found;
}

function parseFile(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ExitError(`The settings in ${path} cannot be read: ${reason(error)}.`);
  }
  try {
    return parse(text, { prettyErrors: false });
  } catch (error) {
    throw new ExitError(`${path} is not valid YAML: ${reason(error)}.`);
  }
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** First line of an error's message, without its final stop. */
function reason(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return line.replace(/[.:]$/, '');
}
