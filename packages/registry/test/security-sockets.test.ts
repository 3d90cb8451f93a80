import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesystem } from '../src/storage/filesystem/filesystem.ts';
import { type Client, errorOf, head, KIB, MIB, serve, until } from './node-harness.ts';
import { openTestRegistry, sha256, type TestRegistry } from './support/registry.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'moorage-security-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** A registry whose blobs are files, in a directory of its own. */
function openOnDisk(name: string): TestRegistry {
  return openTestRegistry({ blobs: filesystem({ directory: join(directory, name) }) });
}

/** Bytes of which every four tell whose they are and where they lie. */
function bytesOf(owner: number, lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  for (let i = 0; i + 4 <= lengthBytes; i += 4) bytes.writeUInt32LE((owner << 24) | (i >> 2), i);
  return bytes;
}

/** Reads at most `atBytes` of what comes and hangs up. */
async function hangUpAt(client: Client, atBytes: number): Promise<void> {
  let received = 0;
  client.socket.on('data', (chunk) => {
    received += chunk.length;
    if (received >= atBytes) client.socket.destroy();
  });
  if (atBytes === 0) client.socket.destroy();
  await client.closed;
}

test("pooled buffers in flight: one client's private bytes never reach another, wherever a transfer is aborted", async () => {
  const opened = openOnDisk('pooled');
  const { connect, errors } = await serve(opened.registry);
  const owners = [1, 2, 3];
  const contents = owners.map((owner) => bytesOf(owner, 3 * MIB + 17));
  const targets: string[] = [];
  for (const [i, content] of contents.entries()) {
    targets.push(`/v2/acme/owner${i}/blobs/${await opened.pushBlob(`acme/owner${i}`, content)}`);
  }
  const pullWhole = async (i: number) => {
    const client = await connect();
    client.send(head('GET', targets[i] ?? ''));
    const { status, body } = await client.answer();
    expect([i, status, sha256(body)]).toEqual([i, 200, sha256(contents[i] ?? '')]);
    client.socket.destroy();
  };
  const abortMany = async (i: number) => {
    for (const atBytes of [0, 1, 64 * KIB, MIB, MIB + 1, 2 * MIB, 3 * MIB]) {
      const client = await connect();
      client.send(head('GET', targets[i] ?? ''));
      await hangUpAt(client, atBytes);
    }
  };
  for (const _ of [1, 2]) await Promise.all(owners.flatMap((_, i) => [pullWhole(i), abortMany(i)]));
  expect(errors).toEqual([]);
});

test('an early refusal: at most about 1 MiB of the rest is taken, then the socket goes', async () => {
  const opened = openTestRegistry({ access: { authorize: () => false } });
  const { connect, sockets } = await serve(opened.registry);
  const client = await connect();
  client.send(head('PUT', '/v2/acme/web/manifests/latest', { 'Content-Length': 64 * MIB }));
  client.send(Buffer.alloc(64 * MIB));
  const answer = await client.answer();
  expect([answer.status, errorOf(answer.body).code]).toEqual([403, 'DENIED']);
  await client.closed;
  expect(sockets[0]?.bytesRead).toBeLessThan(2 * MIB);
});

test('a body cut short: the connection ends, what arrived is kept, and nothing is published', async () => {
  const opened = openOnDisk('cut');
  const { connect } = await serve(opened.registry);
  const location = String((await opened.call('POST', '/v2/acme/web/blobs/uploads/')).headers['location']);
  const client = await connect();
  const waiting = { 'Content-Length': 100, Expect: '100-continue' };
  client.send(head('PUT', `${location}?digest=${sha256('hello')}`, waiting));
  // From here on the body is read: what a client sent before anybody read it goes with its connection.
  expect((await client.answer()).head).toBe('HTTP/1.1 100 Continue');
  client.socket.end('hello');
  await client.closed;
  await until(() => opened.reports.some(({ method }) => method === 'PUT'));
  expect((await opened.call('GET', `/v2/acme/web/blobs/${sha256('hello')}`)).status).toBe(404);
  expect((await opened.call('GET', location)).headers['range']).toBe('0-4');
});

test('an answer cut short: a blob whose file lost bytes ends the connection, so that it is not taken for whole', async () => {
  const opened = openOnDisk('lost');
  const { connect, errors } = await serve(opened.registry);
  const digest = await opened.pushBlob('acme/web', bytesOf(1, 3 * MIB));
  const blobs = join(directory, 'lost', 'blobs');
  const [path] = (await readdir(blobs, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  await truncate(join(path?.parentPath ?? '', path?.name ?? ''), MIB);
  const client = await connect();
  client.send(head('GET', `/v2/acme/web/blobs/${digest}`));
  await expect(client.answer()).rejects.toThrow('closed before');
  expect(errors).toHaveLength(1);
});
