import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { ExitError } from '../../exit-error.ts';

/** What a helper keeps for a registry. */
export interface HelperEntry {
  /** `<token>` where the secret is an identity token. */
  readonly username: string;
  readonly secret: string;
}

/** A program that keeps secrets for docker and others: docker-credential-NAME, which is spoken to over its standard input. */
export interface CredentialHelper {
  readonly program: string;
  /** What it keeps for a server; `undefined` when it has nothing. */
  find(server: string): Promise<HelperEntry | undefined>;
  store(server: string, entry: HelperEntry): Promise<void>;
  /** Removes what it keeps; fine when there is nothing. */
  erase(server: string): Promise<void>;
}

/** A helper is not on the search path. */
export class NoHelperError extends ExitError {}

/** The helper of that name, from docker's configuration. Its calls reject with an `ExitError`. */
export function openCredentialHelper(name: string, environment: NodeJS.ProcessEnv): CredentialHelper {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    throw new ExitError(`${JSON.stringify(name)} cannot name a credential helper: see credsStore and credHelpers.`);
  }
  const program = `docker-credential-${name}`;
  const ask = (verb: string, input: string) => runHelper(program, { verb, input, environment });
  return {
    program,
    async find(server) {
      const { exitCode, output } = await ask('get', server);
      if (exitCode !== 0) {
        if (/not found|no credentials/i.test(output)) return undefined;
        throw failure(program, 'get', output);
      }
      return parseEntry(program, output);
    },
    async store(server, { username, secret }) {
      const input = JSON.stringify({ ServerURL: server, Username: username, Secret: secret });
      const { exitCode, output } = await ask('store', input);
      if (exitCode !== 0) throw failure(program, 'store', output);
    },
    async erase(server) {
      const { exitCode, output } = await ask('erase', server);
      if (exitCode !== 0 && !/not found|no credentials/i.test(output)) throw failure(program, 'erase', output);
    },
  };
}

async function runHelper(
  program: string,
  { verb, input, environment }: { verb: string; input: string; environment: NodeJS.ProcessEnv },
): Promise<{ exitCode: number | null; output: string }> {
  const child = spawn(program, [verb], { env: environment, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  child.stdin.on('error', () => undefined).end(input); // a helper need not read it
  try {
    const [exitCode, output] = await Promise.all([ended, text(child.stdout)]);
    return { exitCode, output: output.trim() };
  } catch (error) {
    throw new NoHelperError(
      `${program}, which docker's configuration names, cannot be run: install it, or take it out of credsStore and credHelpers.`,
      { cause: error },
    );
  }
}

function parseEntry(program: string, output: string): HelperEntry {
  const entry = parseJson(output);
  const { Username: username, Secret: secret } = entry ?? {};
  if (typeof username === 'string' && typeof secret === 'string') return { username, secret };
  throw new ExitError(`${program} get answered something that is no credential.`);
}

function parseJson(text: string): Partial<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined; // not JSON
  }
}

/** What the helper says, without what could move the cursor of a terminal. It never holds the secret for `get`, the one verb that could answer it. */
function failure(program: string, verb: string, output: string): ExitError {
  const words = output.replace(/\p{C}/gu, ' ').slice(0, 300);
  return new ExitError(`${program} ${verb} failed: ${words === '' ? 'it said nothing' : words}`);
}
