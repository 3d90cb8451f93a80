import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { findFreePort } from '../../tools/free-port.ts';
import { runCommand } from '../run-command.ts';
import { goProgramDirectory } from '../tools.ts';
import { type Running, startProgram } from './server.ts';

/** An ACME server on the loopback. */
export type Pebble = {
  /** URL of its directory. */
  readonly directory: string;
  /** File with the certificate of the server itself, for `NODE_EXTRA_CA_CERTS`. */
  readonly ownCertificate: string;
  /** Writes the root of the certificates that it gives into a file. */
  writeRoot(file: string): Promise<void>;
  stop(): Promise<void>;
};

/** Starts Let's Encrypt's test server. It proves for real that domains lead to this machine at `tlsPort`; every name has the address 127.0.0.1. Its certificates live for `lifeSeconds`, and it
 *  gives none for blocked.example. */
export async function startPebble(
  folder: string,
  { tlsPort, lifeSeconds }: { readonly tlsPort: number; readonly lifeSeconds: number },
): Promise<Pebble> {
  const [port, managementPort] = [await findFreePort(), await findFreePort()];
  const names = createNameServer().listen(0, '127.0.0.1');
  await once(names, 'listening');
  const nameAddress = names.address();
  if (nameAddress === null || typeof nameAddress === 'string') throw new Error('The name server has no port.');
  const ownCertificate = join(folder, 'pebble.crt');
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', 'pebble.key'];
  const subject = ['-subj', '/CN=pebble', '-addext', 'subjectAltName=IP:127.0.0.1'];
  await runCommand('openssl', ['req', '-x509', ...key, '-out', 'pebble.crt', ...subject], { cwd: folder });
  const settings = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate: ownCertificate,
    privateKey: join(folder, 'pebble.key'),
    httpPort: await findFreePort(),
    tlsPort,
    domainBlocklist: ['blocked.example'],
    keyAlgorithm: 'ecdsa',
    profiles: { default: { description: 'short', validityPeriod: lifeSeconds } },
  };
  await writeFile(join(folder, 'pebble.json'), JSON.stringify({ pebble: settings }));
  const server: Running = startProgram(
    join(goProgramDirectory, 'pebble'),
    ['-config', join(folder, 'pebble.json'), '-dnsserver', `127.0.0.1:${nameAddress.port}`],
    { PEBBLE_VA_ALWAYS_VALID: '0', PEBBLE_VA_NOSLEEP: '1' },
  );
  await server.until(() => /ACME directory available/.exec(server.stdout() + server.stderr()) ?? undefined);
  return {
    directory: `https://127.0.0.1:${port}/dir`,
    ownCertificate,
    async writeRoot(file) {
      const url = `https://127.0.0.1:${managementPort}/roots/0`;
      await runCommand('curl', ['--fail', '--silent', '--cacert', ownCertificate, '--output', file, url]);
    },
    async stop() {
      await server.stop();
      names.close();
    },
  };
}

const typeA = 1;

/** Makes a name server that knows one address for every name. Pebble asks over TCP, a question a connection, with its length before it (RFC 1035, section 4.2.2). */
function createNameServer() {
  return createServer((socket) => {
    let asked = Buffer.alloc(0);
    socket.on('error', () => socket.destroy()); // whoever asked has gone
    socket.on('data', (bytes: Buffer) => {
      asked = Buffer.concat([asked, bytes]);
      if (asked.length < 2 || asked.length < 2 + asked.readUInt16BE(0)) return;
      const answer = answerOf(asked.subarray(2));
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length);
      socket.end(Buffer.concat([length, answer]));
    });
  });
}

/** RFC 1035, section 4: a header of 12 bytes, the question as it came, and for type A one record that points to its name. */
function answerOf(query: Buffer): Buffer {
  const nameEnd = query.indexOf(0, 12) + 1;
  const question = query.subarray(12, nameEnd + 4);
  const isAddress = query.readUInt16BE(nameEnd) === typeA;
  const header = Buffer.from([...query.subarray(0, 2), 0x81, 0x80, 0, 1, 0, isAddress ? 1 : 0, 0, 0, 0, 0]);
  const record = Buffer.from([0xc0, 12, 0, typeA, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
  return Buffer.concat([header, question, ...(isAddress ? [record] : [])]);
}
