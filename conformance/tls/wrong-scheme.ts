import { equal, match } from 'node:assert/strict';
import { type Case, createClients, startMoorage } from './server.ts';

const ofTls = /a client spoke TLS to this port, which speaks plain HTTP/;
const ofPlain = /a client spoke plain HTTP to this port, which speaks TLS/;

/** Clients that speak the wrong one of TLS and plain HTTP. */
export const wrongScheme: readonly Case[] = [
  {
    name: 'skopeo speaks TLS to a plain port: the log says what each client needs, and with that it goes',
    async run(directory) {
      const server = await startMoorage(directory, []);
      try {
        const { run, fail, home } = await createClients(directory);
        await run('crane', ['append', '--insecure', '--new_layer', 'layer.tar', '--new_tag', `${server.host}/hello:1`]);
        const refused = await fail('skopeo', ['inspect', `docker://${server.host}/hello:1`]);
        match(refused.stderr, /server gave HTTP response to HTTPS client/);
        const entry = await server.told(ofTls);
        equal(entry['address'], '127.0.0.1');
        equal(entry['docker'], `"insecure-registries": ["${server.host}"] in /etc/docker/daemon.json`);
        const option = (client: string) => String(entry[client]);
        await run('skopeo', ['inspect', option('podman, skopeo, buildah'), `docker://${server.host}/hello:1`]);
        await run('podman', ['pull', option('podman, skopeo, buildah'), `${server.host}/hello:1`]);
        await run('buildah', ['pull', option('podman, skopeo, buildah'), `${server.host}/hello:1`]);
        await run('crane', ['manifest', option('crane'), `${server.host}/hello:1`]);
        await run('oras', ['push', option('oras'), `${server.host}/hello:2`, 'hello.txt']);
        await run('helm', ['push', option('helm'), `${home}/chart-0.1.0.tgz`, `oci://${server.host}/charts`]);
        const [regctl = '', ...words] = option('regctl').split(' ');
        await run(regctl, words);
        await run('regctl', ['manifest', 'head', `${server.host}/hello:1`]);
        equal(server.log().filter(({ msg }) => ofTls.test(msg)).length, 1);
      } finally {
        await server.stop();
      }
    },
  },
  {
    name: 'oras and crane speak plain HTTP to the TLS port: the answer and the log say https',
    async run(directory) {
      const server = await startMoorage(directory, ['--tls', 'self-signed']);
      try {
        const { fail, run } = await createClients(directory);
        const refused = await fail('oras', ['push', '--plain-http', `${server.host}/hello:1`, 'hello.txt']);
        match(refused.transcript, /400/);
        const { stdout } = await run('curl', ['--silent', `http://${server.host}/v2/`]);
        equal(JSON.parse(stdout).errors[0].message, `This port speaks https: use https://${server.host}`);
        const entry = await server.told(ofPlain);
        match(String(entry['client']), /^oras/);
        equal(entry['oras'], 'without --plain-http');
        match((await fail('crane', ['catalog', server.host])).stderr, /This port speaks https|certificate/);
        equal(server.log().filter(({ msg }) => ofPlain.test(msg)).length, 1);
      } finally {
        await server.stop();
      }
    },
  },
];
