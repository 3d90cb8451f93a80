import { isDockerHub } from '../reference.ts';
import {
  type ConfigDocument,
  dockerConfigFile,
  partOf,
  podmanAuthFiles,
  readConfig,
  writeConfig,
} from './config-file.ts';
import { NoHelperError, openCredentialHelper } from './credential-helper.ts';

/** What a registry is shown. */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** Exchanged for tokens at the registry's token endpoint (docker's `identitytoken`). */
  | { readonly kind: 'identity'; readonly token: string }
  /** Shown as it is (docker's `registrytoken`). */
  | { readonly kind: 'registry'; readonly token: string };

/** Where and how credentials are looked for. */
export interface CredentialOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** Told of a helper that cannot be run, once a search. */
  readonly warn?: (sentence: string) => void;
}

/** The user name under which helpers keep an identity token. */
const tokenUser = '<token>';

/** What is kept for a host: in docker's configuration (a helper of the host, the helper of all, the file), else in podman's file, where a path may have a login of its own. An
 *  `ExitError` when one of them is broken. */
export async function findCredentials(
  { host, repository }: { readonly host: string; readonly repository?: string | undefined },
  options: CredentialOptions,
): Promise<Credentials | undefined> {
  for (const file of [dockerConfigFile(options.environment), ...podmanAuthFiles(options.environment)]) {
    const document = await readConfig(file);
    if (document === undefined) continue;
    const found = (await findInHelper(document, host, options)) ?? findInAuths(document, host, repository);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Keeps credentials as docker does: in the helper that its configuration names, else in the file itself. Returns where, for people. */
export async function storeCredentials(
  host: string,
  credentials: Exclude<Credentials, { readonly kind: 'registry' }>,
  { environment }: CredentialOptions,
): Promise<string> {
  const file = dockerConfigFile(environment);
  const document = (await readConfig(file)) ?? {};
  const name = helperOf(document, host);
  const helper = name === undefined ? undefined : openCredentialHelper(name, environment);
  const isPassword = credentials.kind === 'password';
  await helper?.store(serverOf(host), {
    username: isPassword ? credentials.username : tokenUser,
    secret: isPassword ? credentials.password : credentials.token,
  });
  // With a helper an empty entry stays in the file, from which docker's tools see that there is a login.
  const entry = helper === undefined ? toEntry(credentials) : {};
  const others = withoutHost(partOf(document, 'auths'), host);
  await writeConfig(file, { ...document, auths: { ...others, [serverOf(host)]: entry } });
  return helper?.program ?? file;
}

/** Forgets what docker's configuration keeps for a host. Returns from where it was removed; `undefined` when there was nothing. */
export async function removeCredentials(host: string, { environment }: CredentialOptions): Promise<string | undefined> {
  const file = dockerConfigFile(environment);
  const document = await readConfig(file);
  if (document === undefined) return undefined;
  const name = helperOf(document, host);
  const helper = name === undefined ? undefined : openCredentialHelper(name, environment);
  const wasInHelper = (await helper?.find(serverOf(host))) !== undefined;
  if (wasInHelper) await helper?.erase(serverOf(host));
  const auths = partOf(document, 'auths');
  const others = withoutHost(auths, host);
  const wasInFile = Object.keys(others).length < Object.keys(auths).length;
  if (wasInFile) await writeConfig(file, { ...document, auths: others });
  if (wasInHelper) return helper?.program;
  return wasInFile ? file : undefined;
}

/** The name under which docker keeps what belongs to a host. */
function serverOf(host: string): string {
  return isDockerHub(host) ? 'https://index.docker.io/v1/' : host;
}

function helperOf(document: ConfigDocument, host: string): string | undefined {
  const helpers = partOf(document, 'credHelpers');
  const own = Object.keys(helpers).find((key) => isFor(key, host));
  const name = own === undefined ? document['credsStore'] : helpers[own];
  return typeof name === 'string' && name !== '' ? name : undefined;
}

async function findInHelper(
  document: ConfigDocument,
  host: string,
  { environment, warn }: CredentialOptions,
): Promise<Credentials | undefined> {
  const name = helperOf(document, host);
  if (name === undefined) return undefined;
  try {
    const entry = await openCredentialHelper(name, environment).find(serverOf(host));
    if (entry === undefined || entry.secret === '') return undefined;
    const { username, secret } = entry;
    return username === tokenUser
      ? { kind: 'identity', token: secret }
      : { kind: 'password', username, password: secret };
  } catch (error) {
    if (!(error instanceof NoHelperError)) throw error;
    warn?.(error.message); // what is public can be pulled all the same
    return undefined;
  }
}

/** The entry of the host, or in podman's form the one of the longest path that the repository is under. */
function findInAuths(document: ConfigDocument, host: string, repository: string | undefined): Credentials | undefined {
  const auths = partOf(document, 'auths');
  const words = repository?.split('/') ?? [];
  const paths = words.map((_, index) => words.slice(0, words.length - index).join('/'));
  for (const place of [...paths.map((path) => `${host}/${path}`), host]) {
    for (const key of Object.keys(auths).filter((other) => isFor(other, place))) {
      const found = fromEntry(partOf(auths, key));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function fromEntry(entry: ConfigDocument): Credentials | undefined {
  const textOf = (key: string) => (typeof entry[key] === 'string' && entry[key] !== '' ? entry[key] : undefined);
  const [registry, identity] = [textOf('registrytoken'), textOf('identitytoken')];
  if (registry !== undefined) return { kind: 'registry', token: registry };
  if (identity !== undefined) return { kind: 'identity', token: identity };
  const decoded = Buffer.from(textOf('auth') ?? '', 'base64').toString();
  const [, username = textOf('username'), password = textOf('password')] = /^([^:]*):(.*?)\0*$/s.exec(decoded) ?? [];
  return username === undefined || password === undefined ? undefined : { kind: 'password', username, password };
}

function toEntry(credentials: Exclude<Credentials, { readonly kind: 'registry' }>): ConfigDocument {
  const encode = (text: string) => Buffer.from(text).toString('base64');
  if (credentials.kind === 'password') return { auth: encode(`${credentials.username}:${credentials.password}`) };
  return { auth: encode(`${tokenUser}:`), identitytoken: credentials.token };
}

function withoutHost(auths: ConfigDocument, host: string): ConfigDocument {
  return Object.fromEntries(Object.entries(auths).filter(([key]) => !isFor(key, host)));
}

/** Whether a key of `auths` means `place`, a host or with podman a host and a path: keys may be URLs, and Docker Hub has several. */
function isFor(key: string, place: string): boolean {
  const plain = key.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
  const hub = (text: string) => text.replace(/^[^/]*/, (host) => (isDockerHub(host) ? 'docker.io' : host));
  return hub(plain) === hub(place);
}
