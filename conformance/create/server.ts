import { deepEqual, equal, ok } from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort } from '../../tools/free-port.ts';
import { logInWithCrane, makeLayer } from '../examples/clients.ts';
import { openHome } from '../examples/start.ts';
import { runCommand } from '../run-command.ts';
import { whileRunning } from './child.ts';
import { type Case, create, repositoryRoot } from './create.ts';

const flags = ['--kind', 'server', '--domain', 'hub.example.com'];
const nginx = '/usr/sbin/nginx';
const moorage = join(repositoryRoot, 'packages/server/bin/moorage.js');
const onSources = [process.execPath, '--conditions=moorage-source', moorage];

/** Each file of a server's folder, read by the program that it is for. */
export const serverCases: readonly Case[] = [
  { name: 'server: moorage config reads the settings', run: readSettings },
  {
    name: 'server: systemd-analyze verifies the service and finds it hardened',
    needs: 'systemd-analyze',
    run: verifyService,
  },
  {
    name: 'server: nginx takes the proxy, and crane pushes and pulls through it by https',
    needs: nginx,
    run: pushThroughNginx,
  },
  { name: 'server: caddy takes the proxy', needs: 'caddy', run: adaptCaddyfile },
];

async function readSettings(directory: string): Promise<void> {
  const made = await create(directory, flags);
  const [node = '', ...words] = onSources;
  const args = [...words, 'config', '--json', '--config', 'moorage.yaml'];
  const { publicUrl, trustedProxies } = JSON.parse((await runCommand(node, args, { cwd: made, env: {} })).stdout);
  equal(publicUrl.value, 'https://hub.example.com');
  deepEqual(trustedProxies.value, ['127.0.0.1', '::1']);
}

async function verifyService(directory: string): Promise<void> {
  const made = await create(directory, flags);
  const text = await readFile(join(made, 'moorage.service'), 'utf8');
  const unit = join(directory, 'moorage.service');
  ok(text.includes('/opt/moorage/bin/moorage serve '));
  // It looks whether the program is there.
  await writeFile(unit, text.replace('/opt/moorage/bin/moorage', moorage));
  const { stdout, stderr } = await runCommand('systemd-analyze', ['verify', '--man=no', unit]);
  equal(stdout + stderr, '');
  const security = await runCommand('systemd-analyze', ['security', '--offline=yes', '--no-pager', unit]);
  const [, exposure] = /Overall exposure level for \S+: ([\d.]+)/.exec(security.stdout) ?? [];
  // 10 is a service without any of it; what is left is the network, which it is for.
  ok(Number(exposure) <= 2.5, security.stdout);
}

async function pushThroughNginx(directory: string): Promise<void> {
  const made = await create(directory, flags);
  const [port, httpPort, proxyPort] = [await findFreePort(), await findFreePort(), await findFreePort()];
  const host = `127.0.0.1:${proxyPort}`;
  const certificate = await makeCertificate(directory);
  const site = (await readFile(join(made, 'nginx.conf'), 'utf8'))
    .replace(/listen \[::\][^;]*;/g, '')
    .replace('listen 80;', `listen 127.0.0.1:${httpPort};`)
    .replace('listen 443 ssl;', `listen ${host} ssl;`)
    .replace('127.0.0.1:5000', `127.0.0.1:${port}`)
    .replace('/etc/letsencrypt/live/hub.example.com/fullchain.pem', certificate.file)
    .replace('/etc/letsencrypt/live/hub.example.com/privkey.pem', certificate.key);
  const conf = await writeConfiguration(directory, site);
  await runCommand(nginx, ['-t', '-q', '-c', conf]);

  const env = {
    ...process.env,
    MOORAGE_LISTEN: `127.0.0.1:${port}`,
    MOORAGE_PUBLIC_URL: `https://${host}`,
  };
  const serve = [...onSources, 'serve', '--config', 'moorage.yaml'].join(' ');
  const [node = '', ...words] = onSources;
  const user = ['user', 'add', 'alice', '--password-stdin', '--data', join(made, 'data')];
  await runCommand(node, [...words, ...user], { input: 'wonderland' });
  const server = { cwd: made, env, url: `http://127.0.0.1:${port}/readyz`, timeoutMs: 60_000 };
  const proxy = { cwd: directory, env: process.env, url: `http://127.0.0.1:${httpPort}/`, timeoutMs: 20_000 };
  await whileRunning(serve, server, () =>
    whileRunning(`exec ${nginx} -c ${conf}`, proxy, () => pushTo(host, { directory, certificate: certificate.file })),
  );
}

async function pushTo(host: string, { directory, certificate }: { directory: string; certificate: string }) {
  const home = await openHome(join(directory, 'home'), host);
  const env = { HOME: home.directory, PATH: process.env['PATH'], SSL_CERT_FILE: certificate };
  const { stdout: path } = await runCommand('sh', ['-c', 'command -v crane']);
  const crane = (args: readonly string[]) => runCommand(path.trim(), args, { env });
  await logInWithCrane(home, host, { user: 'alice', password: 'wonderland' });
  await makeLayer(home);
  // Larger than what an nginx lets pass that nobody configured.
  await runCommand('truncate', ['--size=3M', join(home.directory, 'large')]);
  await home.run('tar', ['-rf', 'layer.tar', 'large']);
  const layer = join(home.directory, 'layer.tar');
  await crane(['append', '--new_layer', layer, '--new_tag', `${host}/alice/app:1`]);
  await crane(['validate', '--remote', `${host}/alice/app:1`]);
}

async function makeCertificate(directory: string) {
  const [file, key] = [join(directory, 'tls.crt'), join(directory, 'tls.key')];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const named = ['-subj', '/CN=moorage', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', file];
  await runCommand('openssl', [...made, ...named]);
  return { file, key };
}

/** nginx in the foreground, with everything that it writes below the directory. */
async function writeConfiguration(directory: string, site: string): Promise<string> {
  await writeFile(join(directory, 'site.conf'), site);
  await mkdir(join(directory, 'nginx'));
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${directory}/nginx/${name};`,
  );
  const conf = join(directory, 'nginx.conf');
  await writeFile(
    conf,
    `daemon off; worker_processes 1; pid ${directory}/nginx/pid; error_log stderr; ${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http { access_log off; ${places.join(' ')} include ${directory}/site.conf; }
`,
  );
  return conf;
}

async function adaptCaddyfile(directory: string): Promise<void> {
  const made = await create(directory, flags);
  await runCommand('caddy', ['validate', '--adapter', 'caddyfile', '--config', join(made, 'Caddyfile')]);
}
