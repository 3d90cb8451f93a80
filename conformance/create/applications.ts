import { equal, match } from 'node:assert/strict';
import { cpSync, rmSync, symlinkSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { findFreePort } from '../../tools/free-port.ts';
import { installPackages } from '../../tools/install-packages.ts';
import { logInWithCrane, makeLayer } from '../examples/clients.ts';
import { openHome } from '../examples/start.ts';
import { runCommand, tryCommand } from '../run-command.ts';
import { whileRunning } from './child.ts';
import { type Case, create, repositoryRoot } from './create.ts';

/** An application of each kind starts by its own script on the packages of this repository, and takes a push of its user's and of nobody else. */
export const applicationCases: readonly Case[] = [
  ...['express', 'fastify', 'hono'].map((kind) => ({
    name: `${kind}: starts, and crane pushes and pulls`,
    async run(directory: string) {
      const made = await create(directory, ['--kind', kind]);
      symlinkSync(join(repositoryRoot, 'node_modules'), join(made, 'node_modules'));
      await useApplication(made, { NODE_OPTIONS: '--conditions=moorage-source' });
    },
  })),
  { name: 'next: builds and starts, and crane pushes and pulls', run: useNext },
];

/** Next wants its packages inside of the application: those of the example, which has the same versions. */
async function useNext(): Promise<void> {
  const example = join(repositoryRoot, 'examples/next');
  installPackages(example);
  // Beside them, so that names of files are enough, and 400 MB need not be copied.
  const directory = join(repositoryRoot, '.cache/create-next');
  rmSync(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  try {
    const made = await create(directory, ['--kind', 'next']);
    const modules = ['node_modules', join(made, 'node_modules')] as const;
    const linked = await tryCommand('cp', ['-al', ...modules], { cwd: example });
    if (linked.exitCode !== 0)
      cpSync(join(example, modules[0]), modules[1], { recursive: true, verbatimSymlinks: true });
    await useApplication(made, { NEXT_TELEMETRY_DISABLED: '1', NODE_OPTIONS: '' });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function useApplication(made: string, variables: Readonly<Record<string, string>>): Promise<void> {
  const { scripts } = JSON.parse(await readFile(join(made, 'package.json'), 'utf8'));
  const port = await findFreePort();
  const host = `127.0.0.1:${port}`;
  const paths = [join(made, 'node_modules/.bin'), join(repositoryRoot, 'node_modules/.bin'), process.env['PATH']];
  const env = {
    ...process.env,
    ...variables,
    PATH: paths.join(delimiter),
    PORT: String(port),
    DATA: join(made, 'data'),
  };
  const url = `http://${host}/v2/`;
  await whileRunning(scripts.start, { cwd: made, env, url, timeoutMs: 180_000 }, () => pushAndPull(made, host));
}

async function pushAndPull(made: string, host: string): Promise<void> {
  const users = await readFile(join(made, 'users.ts'), 'utf8').catch(() =>
    readFile(join(made, 'lib/users.ts'), 'utf8'),
  );
  const [, password = ''] = /'alice', \{ apiKey: '([^']+)'/.exec(users) ?? [];
  const alice = await openHome(join(made, '../alice'), host);
  const append = ['append', '--new_layer', await makeLayer(alice), '--new_tag'];
  match(await alice.runRefused('crane', [...append, `${host}/alice/app:1`]), /UNAUTHORIZED|401 Unauthorized/);
  await logInWithCrane(alice, host, { user: 'alice', password: 'alice-key' });
  match(await alice.runRefused('crane', [...append, `${host}/alice/app:1`]), /UNAUTHORIZED|401 Unauthorized/);
  await logInWithCrane(alice, host, { user: 'alice', password });
  const { stdout: pushed } = await alice.run('crane', [...append, `${host}/alice/app:1`]);
  const { stdout: digest } = await alice.run('crane', ['digest', `${host}/alice/app:1`]);
  equal(pushed.trim().endsWith(digest.trim()), true);
  await alice.run('crane', ['validate', '--remote', `${host}/alice/app:1`]);
  match(await alice.runRefused('crane', [...append, `${host}/bob/app:1`]), /DENIED/);
  const page = await runCommand('curl', ['--silent', '--user', `alice:${password}`, `http://${host}/`]);
  match(page.stdout, /alice\/app:1/);
}
