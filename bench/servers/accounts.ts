import { execFileSync } from 'node:child_process';
import { repository } from '../content.ts';
import type { Target } from '../target.ts';

/** The administrator who does the work of rows that name nobody. */
export const administrator = 'bench';

const ownScope = `repository:${repository}:pull,push`;
const password = 'a password for one run of the bench';

/** A command line that starts Moorage, without its arguments. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** Makes a user in a data directory by Moorage's own command line. */
export function addUser({ command, args }: Command, data: string, name: string): void {
  const rights = name === administrator ? ['--admin'] : [];
  execFileSync(command, [...args, 'user', 'add', name, ...rights, '--password-stdin', '--data', data], {
    input: password,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
}

/** Logs in as docker does, once: the header that shows the token, good for the repository of the rows, the catalog and `scopes`. */
export async function logIn(
  { name: server, host, port }: Target,
  name: string,
  scopes: readonly string[],
): Promise<string> {
  const { headers } = await fetch(`http://${host}:${port}/v2/`);
  const challenge = headers.get('www-authenticate') ?? '';
  const [, realm] = /realm="([^"]+)"/.exec(challenge) ?? [];
  const [, service] = /service="([^"]+)"/.exec(challenge) ?? [];
  if (realm === undefined || service === undefined) throw new Error(`${server} does not say where tokens are made.`);
  const query = new URLSearchParams({ service });
  for (const scope of [ownScope, 'registry:catalog:*', ...scopes]) query.append('scope', scope);
  const basic = Buffer.from(`${name}:${password}`).toString('base64');
  const response = await fetch(`${realm}?${query}`, { headers: { authorization: `Basic ${basic}` } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${server} gave ${name} no token: ${response.status} ${text}`);
  const { token }: { token: string } = JSON.parse(text);
  return `Bearer ${token}`;
}
