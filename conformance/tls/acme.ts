import { equal, match, notEqual } from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort } from '../../tools/free-port.ts';
import { runCommand } from '../run-command.ts';
import { shownCertificate } from './files.ts';
import { type Pebble, startPebble } from './pebble.ts';
import { type Case, type RunningMoorage, startMoorage } from './server.ts';

type World = { readonly pebble: Pebble; readonly server: RunningMoorage; restart(): Promise<RunningMoorage> };

/** Runs `use` with an ACME server and a Moorage that gets certificates for `domains` from it. */
async function withAcme(
  directory: string,
  { domains, lifeSeconds }: { readonly domains: string; readonly lifeSeconds: number },
  use: (world: World) => Promise<void>,
): Promise<void> {
  const port = await findFreePort();
  const pebble = await startPebble(directory, { tlsPort: port, lifeSeconds });
  const words = ['--tls', `acme:${domains}`, '--acme-directory', pebble.directory, '--acme-email', 'ops@example.com'];
  const start = () => startMoorage(directory, words, { port, env: { NODE_EXTRA_CA_CERTS: pebble.ownCertificate } });
  let server: RunningMoorage | undefined;
  try {
    server = await start();
    await use({
      pebble,
      server,
      async restart() {
        await server?.stop();
        server = await start();
        return server;
      },
    });
  } finally {
    await server?.stop();
    await pebble.stop();
  }
}

const came = /certificate came from the ACME server/;

/** `--tls acme:DOMAIN`, proved by TLS-ALPN-01. */
export const acme: readonly Case[] = [
  {
    name: 'acme: a certificate for two domains comes, is kept over a restart, and clients that trust its root use it',
    async run(directory) {
      const domains = 'hub.example.com,registry.example.com';
      await withAcme(directory, { domains, lifeSeconds: 86_400 }, async ({ pebble, server, restart }) => {
        match(server.stdout(), /address {2}https:\/\/127\.0\.0\.1:\d+, for clients https:\/\/hub\.example\.com$/m);
        await server.told(came);
        const root = join(directory, 'root.pem');
        await pebble.writeRoot(root);
        for (const domain of domains.split(',')) {
          const resolve = ['--resolve', `${domain}:${server.port}:127.0.0.1`];
          await runCommand('curl', ['--fail', '--cacert', root, ...resolve, `https://${domain}:${server.port}/v2/`]);
        }
        const { serialNumber } = await shownCertificate(server.port);
        const folder = join(server.data, 'tls/acme', new URL(pebble.directory).host.replace(':', '_'));
        for (const file of ['account.key', 'hub.example.com.pem']) {
          equal((await stat(join(folder, file))).mode & 0o777, 0o600);
        }
        const again = await restart();
        equal((await shownCertificate(again.port)).serialNumber, serialNumber);
        equal(again.log().filter(({ msg }) => came.test(msg)).length, 0);
      });
    },
  },
  {
    name: 'acme: a certificate is renewed before it ends, while the server runs',
    async run(directory) {
      await withAcme(directory, { domains: 'hub.example.com', lifeSeconds: 20 }, async ({ server }) => {
        await server.told(came);
        const first = await shownCertificate(server.port);
        await server.until(() => server.log().filter(({ msg }) => came.test(msg))[1]);
        const second = await shownCertificate(server.port);
        notEqual(second.serialNumber, first.serialNumber);
        equal(second.issuer, first.issuer);
      });
    },
  },
  {
    name: 'acme: a refusal is told with its reason and the next try, the server serves on, and a restart asks no sooner',
    async run(directory) {
      await withAcme(directory, { domains: 'blocked.example', lifeSeconds: 86_400 }, async ({ server, restart }) => {
        const { reason, nextTry } = await server.told(/no certificate from the ACME server/);
        match(String(reason), /blocked\.example/);
        equal((await shownCertificate(server.port)).name, 'Moorage');
        const again = await restart();
        const told = await again.told(/no certificate from the ACME server/);
        equal(told['nextTry'], nextTry);
        equal(told['reason'], 'the last attempts failed');
      });
    },
  },
];
