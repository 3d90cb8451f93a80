import { mkdir, readFile, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ExitError } from '../../exit-error.ts';
import { replaceFile } from '../../replace-file.ts';

/** A file in the form of docker's config.json. */
export type ConfigDocument = Readonly<Record<string, unknown>>;

/** Docker's file, which is written to: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. */
export function dockerConfigFile(environment: NodeJS.ProcessEnv): string {
  return join(environment['DOCKER_CONFIG'] || join(home(environment), '.docker'), 'config.json');
}

/** Where podman keeps logins, which are read when docker's file knows nothing; in the order in which podman looks. */
export function podmanAuthFiles(environment: NodeJS.ProcessEnv): readonly string[] {
  const chosen = environment['REGISTRY_AUTH_FILE'];
  if (chosen) return [chosen];
  const runtime = environment['XDG_RUNTIME_DIR'];
  const config = environment['XDG_CONFIG_HOME'] || join(home(environment), '.config');
  return [...(runtime ? [join(runtime, 'containers/auth.json')] : []), join(config, 'containers/auth.json')];
}

/** The document in `file`; `undefined` where there is no file. An `ExitError` when it cannot be read or is no object of JSON. */
export async function readConfig(file: string): Promise<ConfigDocument | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new ExitError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
  if (text.trim() === '') return {};
  const document = parse(text);
  if (isObject(document)) return document;
  throw new ExitError(`${file} is not an object of JSON: mend it, or move it away.`);
}

/** Replaces the document in `file` at once and for its owner alone (mode 0600), so that whoever reads it meanwhile gets the one before. A symbolic link stays one. */
export async function writeConfig(file: string, document: ConfigDocument): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const target = await realpath(file).catch(() => file); // there is none yet
  try {
    await replaceFile(target, `${JSON.stringify(document, undefined, '\t')}\n`);
  } catch (error) {
    throw new ExitError(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

/** A part of a document that is an object; empty where it is not there. */
export function partOf(document: ConfigDocument | undefined, key: string): ConfigDocument {
  const part = document !== undefined && Object.hasOwn(document, key) ? document[key] : undefined;
  return isObject(part) ? part : {};
}

function home(environment: NodeJS.ProcessEnv): string {
  return environment['HOME'] || homedir();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined; // not JSON
  }
}

function isObject(value: unknown): value is ConfigDocument {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
