import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type StartedServer, startServer, startServerWithLogin, typeForJson, typeMoorage } from './run-moorage.ts';

// Each test starts the command, perhaps on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000 });

const indexType = 'application/vnd.oci.image.index.v1+json';
const digestOf = (content: string | Buffer) => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const indexOf = (n: number) =>
  JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [], annotations: { n: String(n) } });

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** One connection, which the system gave to one thread. */
interface Connection {
  begin(method: string, target: string, headers?: RequestOptions['headers']): ClientRequest;
  ask(
    method: string,
    target: string,
    options?: { headers?: RequestOptions['headers']; body?: string | Buffer },
  ): Promise<Answer>;
}

function connect(url: string): Connection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const begin: Connection['begin'] = (method, target, headers = {}) =>
    request(new URL(target, url), { agent, method, headers });
  return {
    begin,
    async ask(method, target, { headers = {}, body } = {}) {
      const asking = begin(method, target, headers);
      asking.end(body);
      return answerTo(asking);
    },
  };
}

async function answerTo(asking: ClientRequest): Promise<Answer> {
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

/** A connection to each of `count` threads: the id of a request ends in the number of the thread that answered. */
async function connectToEach(url: string, count: number): Promise<readonly Connection[]> {
  const found: Connection[] = [];
  await expect
    .poll(
      async () => {
        const connection = connect(url);
        const { headers } = await connection.ask('GET', '/v2/');
        found[Number.parseInt(String(headers['x-request-id']).slice(-1), 16)] = connection;
        return Object.keys(found).length;
      },
      { interval: 1, timeout: 30_000 },
    )
    .toBe(count);
  return found;
}

async function startThreads(
  count: number,
  words: readonly string[] = [],
): Promise<StartedServer & { connections: readonly Connection[] }> {
  const server = await startServer(['--threads', String(count), ...words]);
  return { ...server, connections: await connectToEach(server.url, count) };
}

test('what one thread was given every other one has at once', async () => {
  const { connections } = await startThreads(3);
  for (let n = 0; n < 30; n += 1) {
    const [writer, ...readers] = [...connections.slice(n % 3), ...connections.slice(0, n % 3)];
    const body = indexOf(n);
    const put = await writer?.ask('PUT', '/v2/acme/web/manifests/latest', {
      headers: { 'Content-Type': indexType },
      body,
    });
    expect(put?.status).toBe(201);
    for (const reader of readers) {
      const { status, body: got } = await reader.ask('GET', '/v2/acme/web/manifests/latest');
      expect([status, got]).toEqual([200, body]);
    }
  }
});

test('an upload goes on over whatever connection, and has one writer at a time', async () => {
  const { connections } = await startThreads(3);
  const half = Buffer.alloc(3_000_000, 'moorage');
  for (const [opener, owner] of connections.entries()) {
    const content = Buffer.concat([half, half, Buffer.from(String(opener))]);
    const session = (await owner.ask('POST', '/v2/acme/web/blobs/uploads/')).headers.location ?? '';
    for (const [at, connection] of connections.entries()) {
      const body = [half, half, Buffer.from(String(opener))][at];
      const sent = await connection.ask('PATCH', session, { body: body ?? '' });
      expect(sent.status, sent.body).toBe(202);
      const states = await Promise.all(connections.map((other) => other.ask('GET', session)));
      expect(states.map(({ headers }) => headers.range)).toEqual(Array(3).fill(sent.headers.range));
    }
    const slash = await connections[(opener + 1) % 3]?.ask('GET', `${session}/`);
    expect([slash?.status, String(slash?.headers['x-request-id']).at(-1)]).toEqual([204, String(opener)]);
    const wrong = await connections[(opener + 1) % 3]?.ask('PUT', `${session}?digest=${digestOf('x')}`);
    expect([wrong?.status, JSON.parse(wrong?.body ?? '').errors[0].code]).toEqual([400, 'DIGEST_INVALID']);
    const put = await connections[(opener + 2) % 3]?.ask('PUT', `${session}?digest=${digestOf(content)}`);
    expect(put?.status).toBe(201);
    const got = await connections[(opener + 1) % 3]?.ask('GET', `/v2/acme/web/blobs/${digestOf(content)}`);
    expect(got?.body).toBe(content.toString());
  }
});

test('a client that is handed on is told to continue by who answers, and refused while another one writes', async () => {
  const { connections } = await startThreads(2);
  const [first, second] = connections;
  const session = (await second?.ask('POST', '/v2/acme/web/blobs/uploads/'))?.headers.location ?? '';
  const patch = first?.begin('PATCH', session, { Expect: '100-continue' }) as ClientRequest;
  patch.flushHeaders();
  await once(patch, 'continue');
  patch.write('first ');
  const busy = await second?.ask('PATCH', session, { body: 'other' });
  expect([busy?.status, busy?.headers['retry-after']]).toEqual([409, '15']);
  patch.end('second');
  expect((await answerTo(patch)).headers.range).toBe('0-11');
});

test('what a client sent before it went away is kept, whichever thread it was connected to', async () => {
  const { connections } = await startThreads(2);
  const [first, second] = connections;
  const session = (await second?.ask('POST', '/v2/acme/web/blobs/uploads/'))?.headers.location ?? '';
  const patch = first?.begin('PATCH', session, { 'Content-Length': '100', Expect: '100-continue' }) as ClientRequest;
  patch.flushHeaders();
  await once(patch, 'continue');
  await new Promise<void>((resolve) => patch.write('0123456789', () => resolve()));
  patch.on('error', () => undefined).destroy();
  await expect.poll(async () => (await second?.ask('GET', session))?.headers.range).toBe('0-9');
});

test('wrong passwords and rates are counted over all threads', async () => {
  const server = await startServerWithLogin(['--threads', '2', '--rate-limits-endpoints', 'end-8=6/1h']);
  const connections = await connectToEach(server.url, 2);
  const statuses: (number | undefined)[] = [];
  for (let n = 0; n < 8; n += 1)
    statuses.push((await connections[n % 2]?.ask('GET', '/v2/acme/web/tags/list'))?.status);
  expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 429, 429]);
  const wrong = { Authorization: `Basic ${Buffer.from('admin:wrong').toString('base64')}` };
  // An upload of each thread, and the endpoint of tokens, with and without the slash that paths may end in.
  const session = (digit: string) => `/v2/acme/web/blobs/uploads/00000000-0000-0000-0000-00000000000${digit}`;
  const targets = ['/v2/', session('0'), session('1'), `${session('1')}/`, '/v2/token', '/v2/token/'];
  const logins = targets.flatMap((target) =>
    connections.map(async (one) => (await one.ask('GET', target, { headers: wrong })).status),
  );
  const body = 'grant_type=password&service=moorage&client_id=x&username=admin&password=wrong';
  const forms = ['/v2/token', '/v2/token/'].flatMap((target) =>
    connections.map(async (one) => {
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
      return (await one.ask('POST', target, { headers, body })).status;
    }),
  );
  const all = await Promise.all([...logins, ...forms]);
  expect([all.length, all.filter((status) => status === 401).length]).toEqual([16, 10]);
  expect((await typeForJson(server.data, 'audit')) as unknown[]).not.toHaveLength(0);
});

test('what a command changes counts in every thread at the next request', async () => {
  const server = await startServerWithLogin(['--threads', '2']);
  await typeMoorage(server.data, 'user add alice --password-stdin', 'pw');
  const connections = await connectToEach(server.url, 2);
  const basic = { Authorization: `Basic ${Buffer.from('alice:pw').toString('base64')}` };
  const login = await connections[1]?.ask('GET', '/v2/token?service=moorage&scope=repository:acme/web:pull,push', {
    headers: basic,
  });
  const bearer = { Authorization: `Bearer ${JSON.parse(login?.body ?? '').token}` };
  const ask = () =>
    Promise.all(
      connections.map(async (one) => (await one.ask('GET', '/v2/acme/web/manifests/1', { headers: bearer })).status),
    );
  const headers = { ...bearer, 'Content-Type': indexType };
  expect((await connections[1]?.ask('PUT', '/v2/acme/web/manifests/1', { headers, body: indexOf(1) }))?.status).toBe(
    201,
  );
  expect(await ask()).toEqual([200, 200]);
  await typeMoorage(server.data, 'user disable alice');
  expect(await ask()).toEqual([401, 401]);
  await typeMoorage(server.data, 'user enable alice');
  expect(await ask()).toEqual([200, 200]);
});

test('the first push is told of, and each request logged once, whichever thread answered', async () => {
  const server = await startThreads(2, ['--log-level', 'debug']);
  const body = indexOf(1);
  await server.connections[1]?.ask('PUT', '/v2/hello/manifests/1', { headers: { 'Content-Type': indexType }, body });
  await server.said(/Your first push came: hello:1\./);
  const session = (await server.connections[0]?.ask('POST', '/v2/hello/blobs/uploads/'))?.headers.location ?? '';
  await server.connections[1]?.ask('DELETE', session);
  await server.said(/"method":"DELETE"/);
  const logged = server.stderr().match(/"method":"(PUT|POST|DELETE)"/g);
  expect(logged).toEqual(['"method":"PUT"', '"method":"POST"', '"method":"DELETE"']);
});

test('a client that speaks TLS to plain HTTP is told of once, whichever thread hears it', async () => {
  const server = await startThreads(2);
  for (let n = 0; n < 12; n += 1) {
    const socket = connectTls(Number(new URL(server.url).port), '127.0.0.1');
    await once(socket, 'error');
  }
  await server.said(/spoke TLS to this port/);
  await server.connections[1]?.ask('DELETE', '/v2/hello/blobs/x');
  await server.said(/"method":"DELETE"/);
  expect(server.stderr().match(/spoke TLS to this port/g)).toHaveLength(1);
});

test('a refusal is remembered, whichever thread refused', async () => {
  const { connections, data } = await startThreads(2);
  const ids = await Promise.all(
    connections.map(async (one) => (await one.ask('GET', '/v2/acme/nothing/tags/list')).headers['x-request-id']),
  );
  for (const id of ids) {
    await expect
      .poll(async () => (await typeMoorage(data, `why ${id}`)).stdout, { interval: 100, timeout: 30_000 })
      .toContain('acme/nothing');
  }
});

test('a server that is asked to stop lets an upload end that one thread handed to another', async () => {
  const server = await startThreads(2);
  const [first, second] = server.connections;
  for (const [from, to] of [
    [first, second],
    [second, first],
  ]) {
    const session = (await to?.ask('POST', '/v2/acme/web/blobs/uploads/'))?.headers.location ?? '';
    const patch = from?.begin('PATCH', session, { Expect: '100-continue' }) as ClientRequest;
    patch.flushHeaders();
    await once(patch, 'continue');
    patch.write('first ');
    if (from === first) {
      patch.end('second');
      expect((await answerTo(patch)).status).toBe(202);
      continue;
    }
    server.process.kill('SIGTERM');
    await server.said(/"msg":"stopping"/);
    patch.end('second');
    expect((await answerTo(patch)).headers.range).toBe('0-11');
  }
  expect(await server.ended).toBe(0);
  expect(server.stderr()).not.toMatch(/"level":"error"/);
});
