import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { request } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type TuneOptions, tuneServer } from '@moorage/registry/node';
import { expect, onTestFinished, test } from 'vitest';
import { drain } from '../stop.ts';
import { createSecureServer } from './secure-server.ts';
import { makeSelfSigned } from './self-signed.ts';
import { tellOfTlsHellos, watchTlsHellos } from './wrong-scheme.ts';

const MIB = 1024 * 1024;
const pair = await makeSelfSigned(['localhost', '127.0.0.1']);
const other = await makeSelfSigned(['localhost', '127.0.0.1']);

interface Entry {
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

async function start(handle: RequestListener = (_, response) => response.end('hello'), tune: TuneOptions = {}) {
  const told: Entry[] = [];
  const log = { warn: (facts: Entry['facts'], message: string) => told.push({ facts, message }) } as never;
  const tls = { options: { ...pair, minVersion: 'TLSv1.2' } as const, domain: undefined };
  const { server, connections } = createSecureServer(tls, handle, { log });
  tuneServer(server, undefined, tune);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    connections.close(() => undefined);
    connections.closeAllConnections();
  });
  return { told, server, connections, port: (server.address() as AddressInfo).port };
}

/** What a server answers over TLS. */
async function get(port: number, ca = pair.cert): Promise<string> {
  const call = request({ host: '127.0.0.1', port, ca, agent: false }).end();
  const [response] = await once(call, 'response');
  return text(response);
}

/** All that comes back for bytes on a plain connection. */
async function say(port: number, bytes: string | Uint8Array): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined).write(bytes);
  return text(socket);
}

test('requests come over TLS, also where the first byte comes alone', async () => {
  const { port, told } = await start();
  expect(await get(port)).toBe('hello');
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const bytes: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => bytes.push(chunk));
  // A record that begins as a hello does and then breaks off: what answers is TLS, with an alert.
  socket.setNoDelay(true).write(Buffer.of(0x16));
  await new Promise((resolve) => setImmediate(resolve));
  socket.write(Buffer.from('0301000401000000', 'hex'));
  await once(socket, 'close');
  expect(Buffer.concat(bytes)[0]).toBe(0x15);
  expect(told).toEqual([]);
});

test('a plain request gets a 400 that says what to use, and the log tells of it once', async () => {
  const { port, told } = await start();
  for (let count = 0; count < 2; count += 1) {
    const answer = await say(port, 'GET /v2/ HTTP/1.1\r\nHost: hub.lan:5000\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"UNSUPPORTED","message":"This port speaks https: use https://hub.lan:5000"');
  }
  expect(told).toHaveLength(1);
  expect(told[0]?.facts).toMatchObject({
    address: '127.0.0.1',
    regctl: 'regctl registry set --tls enabled hub.lan:5000',
  });
});

test('what a plain client writes as its host does not get into the answer unless it is one', async () => {
  const { port } = await start();
  const answer = await say(port, 'GET / HTTP/1.1\r\nHost: <b>"x"\r\n\r\n');
  expect(answer).toContain(`use https://127.0.0.1:${port}"`);
});

test('a plain upload is refused before its body is sent', async () => {
  const { port } = await start();
  expect(await say(port, 'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n')).toMatch(
    / 400 /,
  );
});

test('another certificate counts for the next connection', async () => {
  const { server, port } = await start();
  server.setSecureContext({ ...other, minVersion: 'TLSv1.2' });
  expect(await get(port, other.cert)).toBe('hello');
  await expect(get(port, pair.cert)).rejects.toThrow();
});

test('TLS 1.1 is refused', async () => {
  const { port } = await start();
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    ca: pair.cert,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'ALL@SECLEVEL=0',
  });
  const [error] = await once(socket, 'error');
  expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
});

test('a drain does not wait for connections that say nothing, nor for a handshake beyond its time', async () => {
  const { server, connections, port } = await start();
  const sockets: Socket[] = [];
  for (const bytes of ['', '\x16']) {
    const arrived = once(server, 'connection');
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    if (bytes !== '') socket.write(bytes);
    sockets.push(socket);
    await arrived;
  }
  await drain(connections, 100);
  expect(server.listening).toBe(false);
  await Promise.all(sockets.map((socket) => socket.closed || once(socket.resume(), 'close')));
});

test('a client that takes an answer slowly over TLS gets all of it, and one that takes nothing is ended', async () => {
  const size = 16 * MIB;
  const serverSockets: Socket[] = [];
  const { port } = await start(
    (request, response) => {
      serverSockets.push(request.socket);
      response.end(Buffer.alloc(size));
    },
    { idleTimeoutMs: 400, rateWindowMs: 400 },
  );
  const ask = (): TLSSocket => {
    const socket = connectTls({ port, host: '127.0.0.1', ca: pair.cert });
    onTestFinished(() => void socket.destroy());
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    return socket.pause();
  };
  const slow = ask();
  let taken = 0;
  let turns = 1;
  slow.on('data', (chunk: Buffer) => {
    taken += chunk.length;
    if (taken > (turns * MIB) / 4) slow.pause();
  });
  // The write as a whole takes six times the server's patience.
  const timer = setInterval(() => {
    turns += 1;
    slow.resume();
  }, 40);
  onTestFinished(() => clearInterval(timer));
  await once(slow, 'end');
  expect(taken).toBeGreaterThan(size);

  ask();
  await expect.poll(() => serverSockets[1]?.destroyed).toBe(true);
});

test('a TLS hello on a plain port is told with what each client needs, and answered in plain HTTP', async () => {
  const told: Entry[] = [];
  const server = createServer((_, response) => response.end());
  const log = { warn: (facts: Entry['facts'], message: string) => told.push({ facts, message }) };
  watchTlsHellos(server, tellOfTlsHellos(log as never));
  tuneServer(server).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  for (let count = 0; count < 2; count += 1) {
    const [error] = await once(connectTls(port, '127.0.0.1'), 'error');
    expect(error.code).toBe('ERR_SSL_WRONG_VERSION_NUMBER');
  }
  expect(await say(port, 'nothing\r\n\r\n')).toMatch(/ 400 /);
  expect(told).toHaveLength(1);
  expect(told[0]?.facts).toMatchObject({
    docker: `"insecure-registries": ["127.0.0.1:${port}"] in /etc/docker/daemon.json`,
    'podman, skopeo, buildah': '--tls-verify=false',
  });
});
