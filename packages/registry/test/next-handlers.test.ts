import { describe, expect, onTestFinished, test } from 'vitest';
import { toNextHandlers } from '../src/adapters/next.ts';
import { DisconnectedError } from '../src/http/message.ts';
import { errorOf, handlerOf, text } from './node-harness.ts';
import { openTestRegistry, sha256 } from './support/registry.ts';

/** What Next.js checks the handlers of a route file against. */
type RouteHandler = (
  request: Request,
  context: { readonly params: Promise<Readonly<Record<string, string | string[] | undefined>>> },
) => Response | Promise<Response>;

/** A request that Next.js hands on with these bytes, whatever its client announced. */
function requestOf(
  method: string,
  target: string,
  body?: { readonly bytes: Uint8Array<ArrayBuffer>; readonly announced?: number },
): Request {
  const announced = body?.announced === undefined ? {} : { 'content-length': String(body.announced) };
  return new Request(`http://localhost:3000${target}`, {
    method,
    headers: announced,
    ...(body === undefined ? {} : { body: body.bytes }),
  });
}

describe('toNextHandlers', () => {
  test('gives a handler for each method that a route file may export', async () => {
    const handlers = toNextHandlers(handlerOf(async ({ method, target }) => text(200, `${method} ${target}`)));
    handlers satisfies Readonly<Record<'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', RouteHandler>>;
    expect(Object.keys(handlers)).toEqual(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);
    const answer = await handlers.PATCH(requestOf('PATCH', '/v2/a/blobs/uploads/x?n=1'));
    expect(await answer.text()).toBe('PATCH /v2/a/blobs/uploads/x?n=1');
  });

  test('a function makes one registry at the first request, and hot reloads keep it', async () => {
    let made = 0;
    const make = () => {
      made += 1;
      const number = made;
      return handlerOf(async () => text(200, `registry ${number}`));
    };
    const key = 'hot reloads of the test';
    const before = toNextHandlers(make, { key });
    expect(made).toBe(0);
    expect(await (await before.GET(requestOf('GET', '/v2/'))).text()).toBe('registry 1');
    const reloaded = toNextHandlers(make, { key });
    expect(await (await reloaded.PUT(requestOf('PUT', '/v2/'))).text()).toBe('registry 1');
    const other = toNextHandlers(make, { key: 'another of the test' });
    expect(await (await other.GET(requestOf('GET', '/v2/'))).text()).toBe('registry 2');
  });

  test('a function that fails is called again at the next request', async () => {
    let calls = 0;
    const { GET } = toNextHandlers(
      () => {
        calls += 1;
        if (calls === 1) throw new Error('no settings');
        return handlerOf(async () => text(200, 'well'));
      },
      { key: 'failing of the test' },
    );
    await expect(GET(requestOf('GET', '/v2/'))).rejects.toThrow('no settings');
    expect(await (await GET(requestOf('GET', '/v2/'))).text()).toBe('well');
  });
});

describe('a body that Next.js cut', () => {
  test('is answered with the name of the setting, and nothing half is taken for whole', async () => {
    const opened = openTestRegistry();
    onTestFinished(() => opened.close());
    const { POST, PATCH, PUT, GET, HEAD } = toNextHandlers(opened.registry);
    const bytes = new Uint8Array(1000).fill(7);
    const whole = new Uint8Array(2000).fill(7);
    const location = (await POST(requestOf('POST', '/v2/a/blobs/uploads/'))).headers.get('location') ?? '';

    const closing = `${location}?digest=${sha256(bytes)}`;
    const cut = await PUT(requestOf('PUT', closing, { bytes, announced: 2000 }));
    expect(cut.status).toBe(413);
    const { message } = errorOf(await cut.text());
    expect(message).toContain('Only 1000 of 2000 bytes');
    expect(message).toContain('experimental.proxyClientMaxBodySize');
    expect((await HEAD(requestOf('HEAD', `/v2/a/blobs/${sha256(bytes)}`))).status).toBe(404);

    const chunk = await PATCH(requestOf('PATCH', location, { bytes, announced: 1001 }));
    expect(chunk.status).toBe(413);
    const manifest = await PUT(requestOf('PUT', '/v2/a/manifests/latest', { bytes, announced: 1001 }));
    expect(manifest.status).toBe(413);
    expect((await GET(requestOf('GET', '/v2/a/manifests/latest'))).status).toBe(404);
    expect(opened.faults).toEqual([]);

    const fresh = (await POST(requestOf('POST', '/v2/a/blobs/uploads/'))).headers.get('location') ?? '';
    const pushed = await PUT(requestOf('PUT', `${fresh}?digest=${sha256(whole)}`, { bytes: whole, announced: 2000 }));
    expect(pushed.status).toBe(201);
    const pulled = await GET(requestOf('GET', `/v2/a/blobs/${sha256(whole)}`));
    expect(new Uint8Array(await pulled.arrayBuffer())).toEqual(whole);
  });

  test('fails for who reads it, as that of a client that went away', async () => {
    let seen: unknown;
    const { PUT } = toNextHandlers(
      handlerOf(async ({ body }) => {
        seen = await Array.fromAsync(body).catch((error: unknown) => error);
        return text(201, '');
      }),
    );
    expect((await PUT(requestOf('PUT', '/v2/', { bytes: new Uint8Array(5), announced: 6 }))).status).toBe(413);
    expect(seen).toBeInstanceOf(DisconnectedError);
    expect((await PUT(requestOf('PUT', '/v2/', { bytes: new Uint8Array(6), announced: 6 }))).status).toBe(201);
    expect(seen).toEqual([new Uint8Array(6)]);
  });

  test('that announced no length is found by its digest', async () => {
    const opened = openTestRegistry();
    onTestFinished(() => opened.close());
    const { POST, PATCH, PUT } = toNextHandlers(opened.registry);
    const location = (await POST(requestOf('POST', '/v2/a/blobs/uploads/'))).headers.get('location') ?? '';
    expect((await PATCH(requestOf('PATCH', location, { bytes: new Uint8Array(1000) }))).status).toBe(202);
    const closing = await PUT(requestOf('PUT', `${location}?digest=${sha256(new Uint8Array(2000))}`));
    expect([closing.status, errorOf(await closing.text()).code]).toEqual([400, 'DIGEST_INVALID']);
  });
});
