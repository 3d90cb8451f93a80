import { once } from 'node:events';
import { createServer as createPlainServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createRawServer } from 'node:net';
import { generate } from 'selfsigned';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Credentials } from '../credentials/credentials.ts';
import { type ConnectOptions, endpointOf } from '../endpoint.ts';
import { createRegistryClient, type RegistryRequest } from './registry-client.ts';

let certificate: { private: string; cert: string };
beforeAll(async () => {
  certificate = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' });
});

async function listen(
  server: ReturnType<typeof createPlainServer> | ReturnType<typeof createRawServer>,
): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const startPlain = (handle: RequestListener) => listen(createPlainServer(handle));
const startSecure = (handle: RequestListener) =>
  listen(createSecureServer({ key: certificate.private, cert: certificate.cert }, handle));

function clientOf(host: string, options: ConnectOptions & { readonly credentials?: Credentials } = {}) {
  const waits: number[] = [];
  const client = createRegistryClient({
    endpoint: endpointOf(host, options),
    findCredentials: async () => options.credentials,
    sleep: async (ms) => void waits.push(ms),
  });
  onTestFinished(client.close);
  const ask = (request: Partial<RegistryRequest> = {}) =>
    client.request({
      method: 'GET',
      url: '/v2/a/tags/list',
      scopes: ['repository:a:pull'],
      accepts: [200],
      doing: 'list the tags of a',
      ...request,
    });
  return { client, ask, waits };
}

const ann: Credentials = { kind: 'password', username: 'ann', password: 'pw' };

/** A registry with a token server; `paths` are what it was asked, with what was shown. */
async function startWithTokens(realmOf: (host: string) => string = (host) => `http://${host}/token`, expiresIn = 300) {
  const asked: string[] = [];
  let issued = 0;
  const host = await startPlain(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    let form = '';
    for await (const chunk of request) form += chunk;
    asked.push(
      [request.method, url.pathname + url.search, request.headers.authorization, form].filter(Boolean).join(' '),
    );
    if (url.pathname === '/token') {
      issued += 1;
      response.end(JSON.stringify({ token: `t${issued}`, expires_in: expiresIn }));
    } else if (request.headers.authorization === undefined) {
      const challenge = `Bearer realm="${realmOf(host)}",service="hub",scope="repository:a:pull"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
    } else response.end('{}');
  });
  return { host, asked };
}

test('a token is got once for each set of scopes, by Basic, and used for all requests that need them', async () => {
  const { host, asked } = await startWithTokens();
  const { ask } = clientOf(host, { credentials: ann });
  await Promise.all([ask(), ask()]);
  await ask();
  await ask({ scopes: ['repository:a:pull,push'] });
  const basic = `Basic ${Buffer.from('ann:pw').toString('base64')}`;
  expect(asked.filter((line) => line.includes('/token'))).toEqual([
    `GET /token?service=hub&scope=repository%3Aa%3Apull&account=ann ${basic}`,
    `GET /token?service=hub&scope=repository%3Aa%3Apull%2Cpush&account=ann ${basic}`,
  ]);
  expect(asked.slice(-1)).toEqual(['GET /v2/a/tags/list Bearer t2']);
});

test('an identity token is exchanged by POST, and nobody gets a token without credentials', async () => {
  const { host, asked } = await startWithTokens();
  await clientOf(host, { credentials: { kind: 'identity', token: 'it' } }).ask();
  expect(asked[1]).toBe(
    'POST /token grant_type=refresh_token&client_id=moorage&refresh_token=it&service=hub&scope=repository%3Aa%3Apull',
  );
  await clientOf(host).ask();
  expect(asked[4]).toBe('GET /token?service=hub&scope=repository%3Aa%3Apull');
});

test('a token of the configuration is shown as it is', async () => {
  const { host, asked } = await startWithTokens();
  await clientOf(host, { credentials: { kind: 'registry', token: 'rt' } }).ask();
  expect(asked).toEqual(['GET /v2/a/tags/list', 'GET /v2/a/tags/list Bearer rt']);
});

test('a password is never sent to a token server without https, but on the loopback', async () => {
  const { host, asked } = await startWithTokens(() => 'http://auth.example.com/token');
  await expect(clientOf(host, { credentials: ann }).ask()).rejects.toThrow(
    /sends logins to http:\/\/auth\.example\.com, which is not https: nothing was sent there/,
  );
  expect(asked).toHaveLength(1);
  const strange = await startWithTokens(() => 'file:///etc/passwd');
  await expect(clientOf(strange.host).ask()).rejects.toThrow(/which is not https/);
  const nowhere = await startWithTokens(() => '');
  await expect(clientOf(nowhere.host).ask()).rejects.toThrow(/does not say where to log in/);
});

test('Basic is shown to a registry that asks for it', async () => {
  const host = await startPlain((request, response) => {
    if (request.headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' });
    response.end();
  });
  expect((await clientOf(host, { credentials: ann }).ask()).status).toBe(200);
  await expect(clientOf(host).ask()).rejects.toThrow(
    `${host} refused to list the tags of a: Unauthorized. (401) Log in first: moorage login ${host}`,
  );
});

test('a refusal has the words of the registry and its id of the request, without what moves a cursor', async () => {
  const host = await startPlain((_, response) => {
    const errors = [{ code: 'DENIED', message: 'ann may not pull from a.\u001b[2J Ask an owner: bob.' }];
    response.writeHead(403, { 'x-request-id': 'r-1' }).end(JSON.stringify({ errors }));
  });
  await expect(clientOf(host).ask()).rejects.toThrow(
    `${host} refused to list the tags of a: ann may not pull from a. [2J Ask an owner: bob. (403 DENIED, request id r-1)`,
  );
});

test('a registry that is busy, or whose connection breaks, is asked again', async () => {
  let count = 0;
  const host = await startPlain((request, response) => {
    count += 1;
    if (count === 1) response.writeHead(429, { 'retry-after': '3' }).end();
    else if (count === 2) request.socket.destroy();
    else if (count === 3) response.writeHead(502).end();
    else response.end('{}');
  });
  const { ask, waits } = clientOf(host);
  expect((await ask()).status).toBe(200);
  expect(waits).toEqual([3000, 500, 1000]);
});

test('who asks to wait for an hour is not waited for', async () => {
  const host = await startPlain((_, response) => response.writeHead(429, { 'retry-after': '3600' }).end());
  const { ask, waits } = clientOf(host);
  await expect(ask()).rejects.toThrow(/could not list the tags of a: Too Many Requests/);
  expect(waits).toEqual([]);
});

test('a question follows where it is sent, and what was shown here is not shown there', async () => {
  const shown: unknown[] = [];
  const other = await startPlain((request, response) => {
    shown.push(request.headers.authorization);
    response.end('there');
  });
  const host = await startPlain((request, response) => {
    if (request.url === '/v2/loop') response.writeHead(307, { location: '/v2/loop' }).end();
    else if (request.headers.authorization === undefined)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    else response.writeHead(307, { location: `http://${other}/x` }).end();
  });
  const { ask } = clientOf(host, { credentials: ann });
  expect(new TextDecoder().decode((await ask()).bytes)).toBe('there');
  expect(shown).toEqual([undefined]);
  await expect(ask({ url: '/v2/loop' })).rejects.toThrow(/sends from \/v2\/loop to nowhere, or in circles/);
});

test('https to a registry of plain http is told what to do', async () => {
  const host = await startPlain((_, response) => response.end());
  await expect(clientOf(host, { insecure: true }).ask()).rejects.toThrow(/speaks plain http.*add --plain-http/);
});

test('plain http to a registry of https is told what to do, whether that answers or hangs up', async () => {
  const host = await startSecure((_, response) => response.end());
  await expect(clientOf(host).ask()).rejects.toThrow(/speaks https.*--ca FILE, or take any with --insecure/);
  await expect(clientOf(host, { plainHttp: true }).ask()).rejects.toThrow(/speaks https.*leave out --plain-http/);
  const text = 'Client sent an HTTP request to an HTTPS server.\n';
  const polite = await startPlain((_, response) => response.writeHead(400).end(text));
  await expect(clientOf(polite).ask()).rejects.toThrow(/speaks https/);
});

test('a certificate that is not trusted is told what to do, and is taken with --insecure', async () => {
  const host = (await startSecure((_, response) => response.end('{}'))).replace('127.0.0.1', 'localhost');
  const ca = new URL('../../../test/meddling-proxy.ts', import.meta.url).pathname;
  expect(() => clientOf(host, { ca })).toThrow(/holds no certificate/);
  expect((await clientOf(host, { insecure: true }).ask()).status).toBe(200);
  const client = createRegistryClient({
    endpoint: { ...endpointOf(host, { insecure: true }), tls: {} },
    findCredentials: async () => undefined,
  });
  onTestFinished(client.close);
  const request = { method: 'GET', url: '/v2/', scopes: [], accepts: [200], doing: 'greet' };
  await expect(client.request(request)).rejects.toThrow(/not trusted here \(DEPTH_ZERO_SELF_SIGNED_CERT\).*--ca FILE/);
});

test('what answers no HTTP is told so', async () => {
  const host = await listen(createRawServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')));
  await expect(clientOf(host).ask()).rejects.toThrow(/answers something that is not HTTP/);
});
