import { equal, match, ok } from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort } from '../../tools/free-port.ts';
import { passwordOf, startServer } from '../server.ts';
import { type Case, createClients, startMoorage, startProgram } from '../tls/server.ts';
import { moorage, moorageWords, startNginx } from './world.ts';

/** What `htpasswd -B` makes of `wonderland`. */
const bcryptLine = 'alice:$2b$04$BCzCZJpzk4y3N1xdEqJx1eegEirMQO2BUBus9TIakqHG80N65YX3i';

/** Who is asked, and how often. */
export const logins: readonly Case[] = [
  {
    name: 'login loops: a proxy swallows the login, the doctor has the line of nginx, and without it podman logs in',
    async run(directory) {
      const server = await startServer({ accounts: ['alice'] });
      const clients = await createClients(directory);
      const swallows = 'proxy_set_header Host $http_host;';
      try {
        for (const lines of [`${swallows} proxy_set_header Authorization "";`, swallows]) {
          const proxy = await startNginx({ directory, upstream: server.host, lines });
          const login = ['login', '--tls-verify=false', '-u', 'alice', '--password-stdin', proxy.host];
          const logged = await clients.try('podman', login, { input: passwordOf('alice') });
          const words = [
            'doctor',
            `http://${proxy.host}`,
            '--username',
            'alice',
            '--password-stdin',
            '--size',
            '900kB',
          ];
          const looked = await moorage(clients, words, passwordOf('alice'));
          await proxy.stop();
          ok(!looked.transcript.includes(passwordOf('alice')), 'The doctor shows the password.');
          if (lines === swallows) {
            equal(logged.exitCode, 0, logged.transcript);
            equal(looked.exitCode, 0, looked.transcript);
          } else {
            ok(logged.exitCode !== 0, logged.transcript);
            match(logged.stderr, /unauthorized|invalid username\/password/);
            match(looked.stdout, /FAIL {2}login .*401 to a login that was shown/);
            match(looked.stdout, /-> nginx: auth_basic off; and proxy_set_header Authorization \$http_authorization;/);
          }
        }
      } finally {
        await server.stop();
      }
    },
  },
  {
    name: 'htpasswd: a hash that is not bcrypt is refused at the start with its line and what to type, and with bcrypt crane logs in',
    async run(directory) {
      const clients = await createClients(directory);
      const file = join(directory, 'users');
      const serve = async () => {
        const host = `127.0.0.1:${await findFreePort()}`;
        const words = ['serve', '--listen', host, '--data', join(directory, 'data'), '--htpasswd', file];
        return {
          host,
          server: startProgram(process.execPath, [...moorageWords, ...words], { MOORAGE_LOG_FORMAT: undefined }),
        };
      };
      const { stdout: md5 } = await clients.run('openssl', ['passwd', '-apr1', 'wonderland']);
      await writeFile(file, `# users\nalice:${md5}`);
      const refused = await serve();
      await refused.server.until(() => /Line 2/.exec(refused.server.stderr()) ?? undefined);
      match(
        refused.server.stderr(),
        new RegExp(
          `^Line 2 of ${file} has an MD5 hash: only bcrypt is safe enough here, so set the password again with htpasswd -B ${file} alice\\.$`,
          'm',
        ),
      );
      await refused.server.stop();
      await writeFile(file, `${bcryptLine}\n`);
      const { host, server } = await serve();
      try {
        await server.until(() => /^ {2}access /m.exec(server.stdout()) ?? undefined);
        await clients.run('crane', ['auth', 'login', host, '-u', 'alice', '-p', 'wonderland']);
        await clients.run('crane', ['append', '--new_layer', 'layer.tar', '--new_tag', `${host}/hello:1`]);
      } finally {
        await server.stop();
      }
    },
  },
  {
    name: 'rate limits: crane is told how long to wait, the log tells of each refusal, and with a higher rate it gets through',
    async run(directory) {
      const clients = await createClients(directory);
      const push = (host: string) => ['append', '--new_layer', 'layer.tar', '--new_tag', `${host}/hello:1`];
      for (const rate of ['3/1h', '1000/1h']) {
        const server = await startMoorage(directory, ['--rate-limits-address', rate]);
        try {
          if (rate === '1000/1h') {
            await clients.run('crane', push(server.host));
            continue;
          }
          const refused = await clients.fail('crane', push(server.host));
          match(refused.stderr, /TOOMANYREQUESTS: Too many requests\. Try again in \d+ seconds\./);
          const entry = await server.told(/^request$/);
          ok(entry);
          const limited = server.log().find(({ status }) => status === 429);
          match(String(limited?.['error']), /^Too many requests\. Try again in \d+ seconds\.$/);
        } finally {
          await server.stop();
        }
      }
    },
  },
];
