import process from 'node:process';
import type { Command } from 'commander';
import { ExitError } from '../../exit-error.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Password } from '../log-in.ts';
import { addConnectFlags, type ConnectFlags } from './flags.ts';

interface LoginOptions extends ConnectFlags {
  readonly device?: true;
}

/** `moorage login` and `moorage logout` */
export function addLoginCommands(program: Command): void {
  const login = program
    .command('login [host]')
    .description(
      'Log in to a registry (default: 127.0.0.1:5000) and keep that where docker keeps it: in the credential helper of its configuration, else in the file.',
    );
  addConnectFlags(login)
    .option('--device', 'log in where the registry says, with a code that is typed into a browser')
    .action(logIn);
  program
    .command('logout [host]')
    .description('Forget what is kept for a registry (default: 127.0.0.1:5000).')
    .action(logOut);
}

async function logIn(typed: string | undefined, options: LoginOptions): Promise<void> {
  const [{ defaultHost, parseHost }, { endpointOf }, { logIn }, { storeCredentials }] = await Promise.all([
    import('../reference.ts'),
    import('../endpoint.ts'),
    import('../log-in.ts'),
    import('../credentials/credentials.ts'),
  ]);
  const host = parseHost(typed ?? defaultHost);
  const endpoint = endpointOf(host, options);
  const kept = await logIn(
    endpoint,
    options.device === true ? await readDeviceLogin(endpoint) : await readLogin(endpoint, options),
  );
  if (kept === undefined) {
    process.stdout.write(`${host} is open to everyone and asks for no login: nothing is kept.\n`);
    return;
  }
  if (options.device === true && kept.kind === 'password') {
    throw new ExitError(`${host} took the login and gave no token that lasts for it: nothing is kept.`);
  }
  const place = await storeCredentials(host, kept, { environment: process.env });
  process.stdout.write(`Logged in to ${host}; kept in ${place}.\n`);
  if (kept.kind === 'password' && place.endsWith('.json')) {
    process.stderr.write(
      'The file has the password readable by who may read the file: a credential helper keeps it better (credsStore).\n',
    );
  }
}

async function logOut(typed: string | undefined): Promise<void> {
  const [{ defaultHost, parseHost }, { removeCredentials }] = await Promise.all([
    import('../reference.ts'),
    import('../credentials/credentials.ts'),
  ]);
  const host = parseHost(typed ?? defaultHost);
  const place = await removeCredentials(host, { environment: process.env });
  const text = place === undefined ? `Nothing is kept for ${host}.` : `Removed what was kept for ${host} in ${place}.`;
  process.stdout.write(`${text}\n`);
}

/** What the issuer of a registry gives to who types a code there; the registry takes it as a password, under any name. */
async function readDeviceLogin(endpoint: Endpoint): Promise<Password> {
  const [{ fetchLoginDocument, runDeviceFlow }, { createTransport }, { readText }] = await Promise.all([
    import('../../identities/device-flow.ts'),
    import('../http/transport.ts'),
    import('../http/small-body.ts'),
  ]);
  const transport = createTransport(endpoint);
  try {
    const document = await fetchLoginDocument(endpoint.origin, async (address) => {
      const url = new URL(address);
      const answer = await transport.exchange({ method: 'GET', url, headers: { accept: 'application/json' } });
      return { status: answer.status, text: await readText(answer, url, transport) };
    });
    const password = await runDeviceFlow(document, {
      show({ url, code, urlWithCode }) {
        process.stderr.write(`Open ${urlWithCode ?? url} in a browser and type the code ${code}\n`);
      },
    });
    return { kind: 'password', username: 'oidc', password };
  } finally {
    transport.close();
  }
}

/** A name and a password: from flags, from a pipe, or asked for. */
async function readLogin({ host }: Endpoint, { username, passwordStdin }: LoginOptions): Promise<Password> {
  const [{ readPassword }, { openQuestions }] = await Promise.all([import('../connect.ts'), import('../ask.ts')]);
  if (username !== undefined && passwordStdin === true) {
    return { kind: 'password', username, password: await readPassword() };
  }
  if (passwordStdin === true) throw new ExitError('--password-stdin is the password of somebody: add --username NAME.');
  const questions = openQuestions();
  try {
    const name = username ?? (await questions.ask(`Name at ${host}: `));
    return { kind: 'password', username: name, password: await questions.ask('Password: ', { isSecret: true }) };
  } finally {
    questions.close();
  }
}
