import { equal, match, ok } from 'node:assert/strict';
import { type Case, type Clients, createClients, type RunningMoorage, startMoorage } from './server.ts';

/** The lines of trust that a server printed, by their client. */
function printedLines(server: RunningMoorage): (client: string) => string {
  const lines = new Map<string, string>();
  for (const [, client = '', line = ''] of server.stdout().matchAll(/^ {2}(\S.*?) {2,}(\S.*)$/gm))
    lines.set(client, line);
  return (client) => {
    const line = lines.get(client);
    ok(line, `There is no line for ${client}:\n${server.stdout()}`);
    return line;
  };
}

/** What each client does without its line, which must fail, and how its line is followed. */
type Trial = {
  readonly clients: Clients;
  readonly host: string;
  readonly line: (client: string) => string;
};

async function tryCrane({ clients, host, line }: Trial): Promise<void> {
  const push = `crane append --new_layer layer.tar --new_tag ${host}/hello:1`;
  await clients.fail('sh', ['-c', push]);
  await clients.run('sh', ['-c', `${line('crane')}; ${push} && crane validate --remote ${host}/hello:1`]);
}

async function tryContainers({ clients, host, line }: Trial): Promise<void> {
  const commands = [
    ['skopeo', 'copy', `docker://${host}/hello:1`, 'dir:pulled'],
    ['podman', 'pull', `${host}/hello:1`],
    ['buildah', 'pull', `${host}/hello:1`],
  ] as const;
  for (const [command, ...args] of commands) {
    match((await clients.fail(command, args)).stderr, /x509: certificate signed by unknown authority/);
  }
  // Docker itself is not here. Its folder has the form that skopeo takes as --src-cert-dir.
  const docker = line('docker').replaceAll('sudo ', '').replaceAll('/etc/docker', `${clients.home}/docker`);
  await clients.run('sh', ['-c', docker]);
  const folder = `--src-cert-dir=${clients.home}/docker/certs.d/${host}`;
  await clients.run('skopeo', ['copy', folder, `docker://${host}/hello:1`, 'dir:by-folder']);
  await clients.run('sh', ['-c', line('podman, skopeo, buildah')]);
  for (const [command, ...args] of commands) await clients.run(command, args);
}

async function tryOptions({ clients, host, line }: Trial): Promise<void> {
  const oras = ['push', `${host}/hello:2`, 'hello.txt'];
  await clients.fail('oras', oras);
  await clients.run('sh', ['-c', line('oras').replace('…', oras.join(' '))]);
  const helm = ['push', 'chart-0.1.0.tgz', `oci://${host}/charts`];
  await clients.fail('helm', helm);
  await clients.run('sh', ['-c', line('helm').replace('…', helm.join(' '))]);
  const curl = line('curl');
  await clients.fail('sh', ['-c', curl.replace(/--cacert \S+/, '')]);
  await clients.run('sh', ['-c', curl.replace('curl', 'curl --fail')]);
}

async function tryOthers({ clients, host, line }: Trial): Promise<void> {
  const regctl = ['manifest', 'head', `${host}/hello:1`];
  await clients.fail('regctl', regctl);
  await clients.run('sh', ['-c', line('regctl')]);
  await clients.run('regctl', regctl);
  const script = `${process.execPath} -e "fetch('https://${host}/v2/').then((answer) => process.exit(answer.ok ? 0 : 1))"`;
  await clients.fail('sh', ['-c', script]);
  await clients.run('sh', ['-c', `${line('node')}; ${script}`]);
}

/** The lines that the start prints with `--tls self-signed`, each typed as it stands. */
export const trust: readonly Case[] = [
  {
    name: 'self-signed: each client fails without its line, and pushes or pulls with it; the log tells of who does not trust',
    async run(directory) {
      const server = await startMoorage(directory, ['--tls', 'self-signed']);
      try {
        const trial = { clients: await createClients(directory), host: server.host, line: printedLines(server) };
        await tryCrane(trial);
        await tryContainers(trial);
        await tryOptions(trial);
        await tryOthers(trial);
        await server.told(/a client does not trust the certificate of this server/);
      } finally {
        await server.stop();
      }
    },
  },
  {
    name: 'self-signed: the next start has the same certificate, and another one when a name came',
    async run(directory) {
      const fingerprints: unknown[] = [];
      for (const words of [[], [], ['--public-url', 'https://hub.example.com']]) {
        const server = await startMoorage(directory, ['--tls', 'self-signed', ...words]);
        const { fingerprint } = await server.told(/certificate that signs itself/);
        ok(server.stdout().includes(`SHA-256 ${fingerprint}`));
        fingerprints.push(fingerprint);
        await server.stop();
      }
      const [first, second, third] = fingerprints;
      equal(first, second);
      ok(third !== first);
    },
  },
];
