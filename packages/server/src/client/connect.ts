import process from 'node:process';
import { ExitError } from '../exit-error.ts';
import { type Credentials, findCredentials } from './credentials/credentials.ts';
import { type ConnectOptions, endpointOf } from './endpoint.ts';
import { createRegistryClient, type RegistryClient } from './registry/registry-client.ts';

/** Which registry, and who asks. */
export interface ConnectTarget {
  readonly host: string;
  /** Podman keeps logins for a path, too. */
  readonly repository?: string | undefined;
  readonly options: ConnectOptions;
  /** What was typed; else what the machine keeps for the host is shown, once the registry asks for it. */
  readonly credentials?: Credentials | undefined;
  /** Told a sentence for people. */
  readonly warn?: (sentence: string) => void;
}

/** A client for a registry; nothing is sent yet. The caller closes it. */
export function connect({ host, repository, options, credentials, warn }: ConnectTarget): RegistryClient {
  const found = { environment: process.env, ...(warn !== undefined && { warn }) };
  return createRegistryClient({
    endpoint: endpointOf(host, options),
    findCredentials: async () => credentials ?? findCredentials({ host, repository }, found),
  });
}

/** What `--username` and `--password-stdin` say; `undefined` without them. */
export async function typedCredentials(options: {
  readonly username?: string | undefined;
  readonly passwordStdin?: true | undefined;
}): Promise<Credentials | undefined> {
  const { username, passwordStdin } = options;
  if (username === undefined && passwordStdin === undefined) return undefined;
  if (username === undefined) throw new ExitError('--password-stdin is the password of somebody: add --username NAME.');
  if (passwordStdin === undefined)
    throw new ExitError('--username needs a password: add --password-stdin, or log in first: moorage login.');
  return { kind: 'password', username, password: await readPassword() };
}

/** The password on stdin; one newline at its end is dropped. */
export async function readPassword(): Promise<string> {
  if (process.stdin.isTTY)
    throw new ExitError('--password-stdin reads a pipe, such as: printf %s "$PASSWORD" | moorage …');
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const password = Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, '');
  if (password === '') throw new ExitError('There is no password on stdin.');
  return password;
}

/** Where what people type is relative to: npm changes the directory, and says where it was. */
export function typingDirectory(): string {
  return process.env['INIT_CWD'] ?? process.cwd();
}
