import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../tools/free-port.ts';
import { type CommandResult, runCommand } from '../run-command.ts';
import { type Clients, type Running, startProgram } from '../tls/server.ts';

const nginx = '/usr/sbin/nginx';
const bin = fileURLToPath(new URL('../../packages/server/bin/moorage.js', import.meta.url));

/** The words that start `moorage` itself, in one process. */
export const moorageWords = ['--conditions=moorage-source', bin] as const;

/** An nginx that runs. */
export type RunningNginx = Running & { readonly host: string };

/** Where an nginx stands. */
export type Place = {
  readonly directory: string;
  /** `127.0.0.1:1234`, which it passes everything on to. */
  readonly upstream: string;
  /** Else it gets a free one. */
  readonly port?: number;
  /** With a certificate it speaks TLS. */
  readonly certificate?: Certificate;
  /** More lines of its server. */
  readonly lines?: string;
};

/** Starts nginx on the loopback, as somebody sets it up who thinks of nothing: one `proxy_pass`, and `lines`. Resolves once it takes connections. */
export async function startNginx({
  directory,
  upstream,
  certificate,
  lines = '',
  ...place
}: Place): Promise<RunningNginx> {
  const port = place.port ?? (await findFreePort());
  const own = join(directory, `nginx-${port}`);
  await mkdir(own, { recursive: true });
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const tls =
    certificate === undefined ? '' : `ssl_certificate ${certificate.file}; ssl_certificate_key ${certificate.key};`;
  const file = join(own, 'nginx.conf');
  await writeFile(
    file,
    `daemon off; worker_processes 1; pid ${own}/pid; error_log stderr; ${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http {
  access_log off;
  ${kinds.map((kind) => `${kind}_temp_path ${own}/${kind};`).join(' ')}
  server {
    listen 127.0.0.1:${port}${certificate === undefined ? '' : ' ssl'};
    ${tls}
    location / { proxy_pass http://${upstream}; ${lines} }
  }
}
`,
  );
  const running = startProgram(nginx, ['-c', file], {});
  for (const deadline = performance.now() + 10_000; !(await takesConnections(port)); await delay(20)) {
    if (performance.now() > deadline) throw new Error(`nginx does not listen:\n${running.stderr()}`);
  }
  return { ...running, host: `127.0.0.1:${port}` };
}

/** A certificate that signs itself, in files. */
export type Certificate = { readonly file: string; readonly key: string };

/** Makes one for 127.0.0.1. */
export async function makeCertificate(directory: string): Promise<Certificate> {
  const [file, key] = [join(directory, 'proxy.crt'), join(directory, 'proxy.key')];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];
  const named = ['-subj', '/CN=proxy', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', file];
  await runCommand('openssl', [...made, ...named]);
  return { file, key };
}

/** Runs `moorage` as one of the clients. */
export function moorage(clients: Clients, words: readonly string[], input = ''): Promise<CommandResult> {
  return clients.try(process.execPath, [...moorageWords, ...words], { input });
}

/** Makes `large.tar`, which is larger than what an nginx lets pass that nobody configured. */
export async function makeLargeLayer(clients: Clients): Promise<void> {
  await writeFile(join(clients.home, 'large'), randomBytes(3 * 2 ** 20)); // crane compresses
  await clients.run('tar', ['-cf', 'large.tar', 'large']);
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (result: boolean) => () => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', end(true)).once('error', end(false));
  });
}
