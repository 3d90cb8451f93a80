import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Claims, SignOptions, TestIssuer } from '../../packages/server/test/issuer.ts';
import { type CommandResult, runCommand, tryCommand } from '../run-command.ts';
import { passwordOf, type TestServer } from '../server.ts';
import { toolPath } from '../tools.ts';

const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));

/** A CI job with an empty home: what it shows, and what it types. */
export type Job = {
  readonly server: TestServer;
  readonly issuer: TestIssuer;
  /** A token of the issuer for a push to `main` of acme/web, with other claims where they are given. */
  token(claims?: Claims, options?: SignOptions): Promise<string>;
  /** `crane auth login` with a password from stdin. */
  logIn(user: string, password: string): Promise<void>;
  /** `crane append` of a small layer to a repository and tag. */
  push(reference: string): Promise<CommandResult>;
  crane(...args: string[]): Promise<CommandResult>;
  /** A command of Moorage itself, by whom the logins are kept that crane reads. */
  moorage(...args: string[]): Promise<CommandResult>;
  /** A request to the registry, below `/v2/`. */
  call(path: string, init?: { readonly method?: string; readonly authorization?: string }): Promise<Answer>;
};

/** What the registry answered. */
export type Answer = { readonly status: number; readonly body: string };

/** What a job shows as Basic. */
export const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** What the user of the accounts shows. */
export const alice = basic('alice', passwordOf('alice'));

/** A job that works in `directory`, which is made. */
export async function createJob({
  server,
  issuer,
  directory,
}: {
  readonly server: TestServer;
  readonly issuer: TestIssuer;
  readonly directory: string;
}): Promise<Job> {
  await mkdir(directory);
  const layer = join(directory, 'layer.tar');
  await writeFile(join(directory, 'hello.txt'), `hello from ${directory}\n`);
  await runCommand('tar', ['-cf', layer, '-C', directory, 'hello.txt']);
  const env = { PATH: toolPath, HOME: directory, DOCKER_CONFIG: join(directory, '.docker') };
  const crane = (...args: string[]) => tryCommand('crane', args, { env });
  return {
    server,
    issuer,
    crane,
    moorage: (...args) =>
      tryCommand(process.execPath, ['tools/run.js', 'packages/server/bin/moorage.js', ...args], {
        cwd: repositoryRoot,
        env,
      }),
    token: (claims = {}, options = {}) => {
      const own = { aud: 'hub.example', repository: 'acme/web', ref: 'refs/heads/main' };
      return issuer.sign({ ...own, sub: 'repo:acme/web:ref:refs/heads/main', ...claims }, options);
    },
    async logIn(user, password) {
      const args = ['auth', 'login', server.host, '-u', user, '--password-stdin'];
      await runCommand('crane', args, { env, input: password });
    },
    push: (reference) => crane('append', '--new_layer', layer, '--new_tag', `${server.host}/${reference}`),
    async call(path, { method = 'GET', authorization } = {}) {
      const headers = authorization === undefined ? undefined : { authorization };
      const response = await fetch(`${server.url}/v2/${path}`, { method, ...(headers && { headers }) });
      return { status: response.status, body: await response.text() };
    },
  };
}
