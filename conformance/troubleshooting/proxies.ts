import { equal, match } from 'node:assert/strict';
import { findFreePort } from '../../tools/free-port.ts';
import { type Case, createClients, startMoorage } from '../tls/server.ts';
import { makeCertificate, makeLargeLayer, moorage, startNginx } from './world.ts';

const append = (host: string, layer = 'layer.tar') => ['append', '--new_layer', layer, '--new_tag', `${host}/hello:1`];

/** What stands between clients and the server. */
export const proxies: readonly Case[] = [
  {
    name: 'http Location behind TLS: oras fails, the doctor names the setting, and with it oras pushes',
    async run(directory) {
      const certificate = await makeCertificate(directory);
      const clients = await createClients(directory);
      const port = await findFreePort();
      for (const scheme of ['http', 'https'] as const) {
        const server = await startMoorage(directory, ['--public-url', `${scheme}://127.0.0.1:${port}`]);
        const proxy = await startNginx({ directory, upstream: server.host, port, certificate });
        try {
          const pushed = await clients.try('oras', [
            'push',
            '--ca-file',
            certificate.file,
            `${proxy.host}/hello:1`,
            'hello.txt',
          ]);
          const words = ['doctor', `https://${proxy.host}`, '--ca', certificate.file, '--size', '900kB'];
          const looked = await moorage(clients, words);
          if (scheme === 'http') {
            equal(pushed.exitCode, 1, pushed.transcript);
            match(pushed.stderr, /blob upload Location ".*" downgrades scheme from https/);
            match(looked.stdout, /FAIL {2}Location .* uploads are sent to http:/);
            match(looked.stdout, /-> nginx: proxy_set_header Host \$http_host; proxy_set_header X-Forwarded-Proto/);
            match(looked.stdout, /-> Moorage: --public-url with the URL that clients use/);
          } else {
            equal(pushed.exitCode, 0, pushed.transcript);
            equal(looked.exitCode, 0, looked.transcript);
          }
        } finally {
          await proxy.stop();
          await server.stop();
        }
      }
    },
  },
  {
    name: 'http answer to an https client: skopeo fails, the log has the setting of each client, and with it skopeo gets through',
    async run(directory) {
      const server = await startMoorage(directory, []);
      try {
        const clients = await createClients(directory);
        await clients.run('crane', append(server.host));
        const refused = await clients.fail('skopeo', ['inspect', `docker://${server.host}/hello:1`]);
        match(refused.stderr, /server gave HTTP response to HTTPS client/);
        const entry = await server.told(
          /a client spoke TLS to this port, which speaks plain HTTP: change its settings/,
        );
        equal(entry['docker'], `"insecure-registries": ["${server.host}"] in /etc/docker/daemon.json`);
        const flag = String(entry['podman, skopeo, buildah']);
        await clients.run('skopeo', ['inspect', flag, `docker://${server.host}/hello:1`]);
        const looked = await moorage(clients, ['doctor', `https://${server.host}`]);
        match(looked.stdout, /FAIL {2}TLS .*speaks plain http[\s\S]*-> .*moorage serve --tls/);
      } finally {
        await server.stop();
      }
    },
  },
  {
    name: '413 at a proxy: crane fails, the log of the server and the doctor have the line of nginx, and with it crane pushes',
    async run(directory) {
      const server = await startMoorage(directory, []);
      const clients = await createClients(directory);
      await makeLargeLayer(clients);
      const narrow = await startNginx({ directory, upstream: server.host });
      const push = append(narrow.host, 'large.tar');
      let lines = '';
      try {
        for (let tries = 0; tries < 3; tries += 1) {
          match((await clients.fail('crane', push)).stderr, /413 Request Entity Too Large/);
        }
        const entry = await server.told(/uploads are opened and not one byte of them comes: .*raise its limit/);
        equal(entry['repository'], 'hello');
        lines = String(entry['nginx']);
        const looked = await moorage(clients, ['doctor', `http://${narrow.host}`, '--size', '3MB']);
        equal(looked.exitCode, 1);
        match(looked.stdout, /FAIL {2}length .*413 .* from nginx .*\n.*-> nginx: client_max_body_size 0;/);
        // Moorage's own client goes on by itself.
        const own = await moorage(clients, ['push', 'large', `${narrow.host}/own:1`]);
        equal(own.exitCode, 0, own.transcript);
      } catch (error) {
        await server.stop();
        throw error;
      } finally {
        await narrow.stop();
      }
      const wide = await startNginx({ directory, upstream: server.host, lines });
      try {
        await clients.run('crane', append(wide.host, 'large.tar'));
        const looked = await moorage(clients, ['doctor', `http://${wide.host}`, '--size', '3MB']);
        equal(looked.exitCode, 0, looked.transcript);
      } finally {
        await wide.stop();
        await server.stop();
      }
    },
  },
  {
    name: 'self-signed: crane fails, the log says where each client learns to trust, and with the line that the start printed crane pushes',
    async run(directory) {
      const server = await startMoorage(directory, ['--tls', 'self-signed']);
      try {
        const clients = await createClients(directory);
        const push = append(server.host);
        match((await clients.fail('crane', push)).stderr, /x509: certificate signed by unknown authority/);
        await server.told(
          /a client does not trust the certificate of this server: docs\/tls\.md says how each client learns to/,
        );
        const [, line = ''] = /^ {2}crane +(.*SSL_CERT_FILE.*)$/m.exec(server.stdout()) ?? [];
        await clients.run('sh', ['-c', `${line}; crane ${push.join(' ')}`]);
        const looked = await moorage(clients, ['doctor', `https://${server.host}`]);
        match(looked.stdout, /FAIL {2}TLS .*not trusted here: [\s\S]*-> give each client the authority/);
      } finally {
        await server.stop();
      }
    },
  },
];
