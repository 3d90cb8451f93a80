import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandOptions } from '../../run-command.ts';
import { passwordOf, type TestServer } from '../../server.ts';
import type { Fixtures } from '../fixtures.ts';
import { createWorld, type Group, type World } from '../world.ts';

/** What one client types to log in, to push something small and to pull it. */
type Client = {
  readonly name: string;
  login(host: string, user: string): readonly string[];
  push(host: string, file: string): readonly string[];
  pull(host: string, folder: string): readonly string[];
  /** What it needs at home before it can push. */
  readonly prepare?: readonly (readonly string[])[];
  /** A client that keeps what is typed and asks no server. */
  readonly keepsAnyPassword?: boolean;
};

/** Logins of the clients that people use, on a server with accounts: their own private repositories, and nobody else's. */
export async function createLogins(directory: string, server: TestServer, fixtures: Fixtures): Promise<Group> {
  const home = async (name: string): Promise<World> => {
    const place = join(directory, `logins-${name}`);
    await mkdir(place);
    return createWorld(place, server, fixtures);
  };
  const [alice, bob, nobody, robot] = [
    await home('alice'),
    await home('bob'),
    await home('nobody'),
    await home('robot'),
  ];
  const { host } = server;
  const file = join(directory, 'layer.tar');
  await writeFile(join(directory, 'hello.txt'), 'hello\n');
  await alice.run('tar', ['-cf', file, '-C', directory, 'hello.txt']);
  const login = (
    world: World,
    client: Client,
    { user, password = passwordOf(user) }: { user: string; password?: string },
  ) => world.run(client.name, client.login(host, user), { input: password });
  const mayNot = (world: World, client: Client, args: readonly string[]) =>
    refused(world, [client.name, ...args], { cwd: directory });

  return {
    name: 'logins',
    cases: [
      ...clients.map((client) => ({
        name: `${client.name} logs in, pushes to a private repository and pulls from it; a stranger and an anonymous caller may not`,
        async run() {
          for (const world of [alice, bob, nobody]) {
            for (const args of client.prepare ?? []) await world.run(client.name, args, { cwd: directory });
          }
          if (client.keepsAnyPassword !== true) {
            await refused(alice, [client.name, ...client.login(host, 'alice')], { input: 'wrong' });
          }
          await login(alice, client, { user: 'alice' });
          await alice.inFolder(async (folder) => {
            await alice.run(client.name, client.push(host, file), { cwd: directory });
            await alice.run(client.name, client.pull(host, folder), { cwd: folder });
          });
          await login(bob, client, { user: 'bob' });
          for (const world of [bob, nobody]) {
            await world.inFolder(async (folder) => {
              await mayNot(world, client, client.pull(host, folder));
              await mayNot(world, client, client.push(host, file));
            });
          }
        },
      })),
      {
        name: 'crane mounts from a private repository of its user with one token for both',
        async run() {
          const copy = ['copy', '-v', `${host}/alice/crane:1`, `${host}/alice/copy:1`];
          const { stderr } = await alice.run('crane', copy);
          if (!/<-- 201 \S+[?&]mount=/.test(stderr)) throw new Error(`crane mounted nothing:\n${stderr}`);
        },
      },
      {
        name: 'podman mounts from a private repository of its user with one token for both',
        async run() {
          await alice.run('podman', ['pull', '--tls-verify=false', `docker://${host}/alice/crane:1`]);
          const push = ['--log-level', 'debug', 'push', '--tls-verify=false'];
          const { stderr } = await alice.run('podman', [
            ...push,
            `${host}/alice/crane:1`,
            `docker://${host}/alice/moved:1`,
          ]);
          if (!stderr.includes('... mount OK')) throw new Error(`podman mounted nothing:\n${stderr}`);
        },
      },
      {
        name: 'a mount from a private repository of somebody else is a session that tells nothing',
        async run() {
          const scopes = ['alice/crane:pull', 'bob/copy:pull,push']
            .map((scope) => `scope=repository:${scope}`)
            .join('&');
          const basic = `Basic ${Buffer.from(`bob:${passwordOf('bob')}`).toString('base64')}`;
          const answer = await fetch(`${server.url}/v2/token?${scopes}`, { headers: { authorization: basic } });
          const { token } = (await answer.json()) as { token: string };
          const headers = { authorization: `Bearer ${token}` };
          for (const from of ['alice/crane', 'alice/none']) {
            const query = `mount=sha256:${'0'.repeat(64)}&from=${from}`;
            const { status } = await fetch(`${server.url}/v2/bob/copy/blobs/uploads/?${query}`, {
              method: 'POST',
              headers,
            });
            const wanted = from === 'alice/crane' ? 202 : 401;
            if (status !== wanted) throw new Error(`The mount from ${from} answered ${status} and not ${wanted}.`);
          }
        },
      },
      {
        name: 'a robot that may pull pulls and does not push, and is refused once it is removed',
        async run() {
          const list = ['--repository', 'alice/crane', '--actions', 'pull', '--expires', '1d', '--quiet'];
          const secret = (await server.moorage(['robot', 'create', 'ci', ...list])).trim();
          const crane = clients.find(({ name }) => name === 'crane');
          if (crane === undefined) throw new Error('crane is not among the clients.');
          await login(robot, crane, { user: 'robot+ci', password: secret });
          await robot.inFolder(async (folder) => {
            await robot.run('crane', crane.pull(host, folder));
            // To a tag of its own: crane does not push what is there already.
            await mayNot(robot, crane, ['append', '--new_layer', file, '--new_tag', `${host}/alice/crane:by-robot`]);
            await server.moorage(['robot', 'remove', 'ci']);
            await mayNot(robot, crane, crane.pull(host, folder));
          });
        },
      },
    ],
  };
}

/** Throws unless the registry refuses the command. */
async function refused(
  world: World,
  [command = '', ...args]: readonly string[],
  options: CommandOptions,
): Promise<void> {
  const failure = await world.run(command, args, options).then(
    () => undefined,
    (error: Error) => error.message,
  );
  if (failure === undefined) throw new Error(`It was let through: ${command} ${args.join(' ')}`);
  const says =
    /unauthorized|denied|name unknown|name_unknown|not found|40[134]|invalid username\/password|authentication required/i;
  if (!says.test(failure)) throw new Error(`It failed for another reason:\n${failure}`);
}

const clients: readonly Client[] = [
  {
    name: 'crane',
    keepsAnyPassword: true,
    login: (host, user) => ['auth', 'login', '-u', user, '--password-stdin', host],
    push: (host, file) => ['append', '--new_layer', file, '--new_tag', `${host}/alice/crane:1`],
    pull: (host, folder) => ['pull', `${host}/alice/crane:1`, join(folder, 'pulled.tar')],
  },
  {
    name: 'skopeo',
    login: (host, user) => ['login', '--tls-verify=false', '-u', user, '--password-stdin', host],
    push: (host) => [
      'copy',
      '--src-tls-verify=false',
      '--dest-tls-verify=false',
      `docker://${host}/alice/crane:1`,
      `docker://${host}/alice/skopeo:1`,
    ],
    pull: (host, folder) => [
      'copy',
      '--src-tls-verify=false',
      `docker://${host}/alice/skopeo:1`,
      `dir:${join(folder, 'image')}`,
    ],
  },
  {
    name: 'buildah',
    login: (host, user) => ['login', '--tls-verify=false', '-u', user, '--password-stdin', host],
    prepare: [
      ['from', '--name', 'hello', 'scratch'],
      ['commit', 'hello', 'localhost/hello:1'],
    ],
    push: (host) => ['push', '--tls-verify=false', 'localhost/hello:1', `docker://${host}/alice/buildah:1`],
    pull: (host) => ['pull', '--tls-verify=false', `docker://${host}/alice/buildah:1`],
  },
  {
    name: 'podman',
    login: (host, user) => ['login', '--tls-verify=false', '-u', user, '--password-stdin', host],
    push: (host) => ['push', '--tls-verify=false', 'localhost/hello:1', `docker://${host}/alice/podman:1`],
    pull: (host) => ['pull', '--tls-verify=false', `docker://${host}/alice/podman:1`],
  },
  {
    name: 'helm',
    login: (host, user) => ['registry', 'login', '--plain-http', '-u', user, '--password-stdin', host],
    prepare: [
      ['create', 'hello'],
      ['package', 'hello'],
    ],
    push: (host) => ['push', '--plain-http', 'hello-0.1.0.tgz', `oci://${host}/alice/charts`],
    pull: (host) => ['pull', '--plain-http', '--version', '0.1.0', `oci://${host}/alice/charts/hello`],
  },
  {
    name: 'oras',
    login: (host, user) => ['login', '--plain-http', '-u', user, '--password-stdin', host],
    push: (host) => ['push', '--plain-http', '--disable-path-validation', `${host}/alice/oras:1`, 'hello.txt'],
    pull: (host, folder) => ['pull', '--plain-http', '-o', folder, `${host}/alice/oras:1`],
  },
  {
    name: 'regctl',
    login: (host, user) => ['registry', 'login', '-u', user, '--pass-stdin', host],
    push: (host, file) => [
      'artifact',
      'put',
      '--artifact-type',
      'application/vnd.example.hello',
      '--file',
      file,
      `${host}/alice/regctl:1`,
    ],
    pull: (host, folder) => ['artifact', 'get', '--output', folder, `${host}/alice/regctl:1`],
  },
];
