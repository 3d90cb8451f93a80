import { equal, match } from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, mkdir, rename, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { runCommand } from '../run-command.ts';
import { type Case, type RunningMoorage, startMoorage } from './server.ts';

/** Makes a certificate and its key in a folder of their own. */
export async function makeCertificate(folder: string, name: string, days = 30): Promise<void> {
  await mkdir(folder, { recursive: true });
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'tls.key'];
  await runCommand('openssl', ['req', '-x509', ...key, '-out', 'tls.crt', '-days', String(days), ...subject], {
    cwd: folder,
  });
}

/** The name in the certificate that a server shows to a client that asks for `servername`, and its number. */
export async function shownCertificate(port: number, servername = 'localhost') {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
  await once(socket, 'secureConnect');
  const { subject, issuer, serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return { name: subject?.CN, issuer: issuer?.CN, serialNumber };
}

async function untilShown(server: RunningMoorage, name: string): Promise<void> {
  for (let count = 1; (await shownCertificate(server.port)).name !== name; count += 1) {
    if (count === 300) throw new Error(`${name} was never shown:\n${server.stderr()}`);
    await delay(100);
  }
}

/** `--tls CERT,KEY`. */
export const files: readonly Case[] = [
  {
    name: 'files: a link that is turned is seen by itself, files that are replaced at SIGHUP, and what does not fit changes nothing',
    async run(directory) {
      const at = (...parts: readonly string[]) => join(directory, ...parts);
      for (const name of ['one', 'two', 'three']) await makeCertificate(at(name), `${name}.lan`);
      await symlink('one', at('live'));
      const server = await startMoorage(directory, ['--tls', `${at('live/tls.crt')},${at('live/tls.key')}`]);
      try {
        equal((await shownCertificate(server.port)).name, 'one.lan');
        await symlink('two', at('next'));
        await rename(at('next'), at('live'));
        await untilShown(server, 'two.lan');

        await unlink(at('live'));
        await symlink('three', at('live'));
        server.signal('SIGHUP');
        await untilShown(server, 'three.lan');

        await copyFile(at('one/tls.key'), at('three/tls.key'));
        server.signal('SIGHUP');
        const { reason } = await server.told(/cannot be used: the one before stays/);
        match(String(reason), /does not belong to the key/);
        equal((await shownCertificate(server.port)).name, 'three.lan');
      } finally {
        await server.stop();
      }
    },
  },
  {
    name: 'files: the log warns of a certificate that ends in less than 14 days',
    async run(directory) {
      await makeCertificate(join(directory, 'short'), 'short.lan', 10);
      const server = await startMoorage(directory, ['--tls', `${directory}/short/tls.crt,${directory}/short/tls.key`]);
      try {
        equal((await server.told(/ends soon/))['days'], 9);
      } finally {
        await server.stop();
      }
    },
  },
];
