import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { errorTable } from '../../src/oci/error.ts';
import { imageOf } from '../support/documents.ts';
import {
  type Answer,
  type Call,
  imageType,
  indexType,
  openTestRegistry,
  type TestRegistry,
} from '../support/registry.ts';
import { openSession } from '../support/uploads.ts';
import { contents, digests, documents, longTexts, mostly, names, pastHoles, ranges, tags } from './hostile.ts';
import { runs, timeoutMs } from './runs.ts';

const codes: readonly string[] = errorTable.map(({ code }) => code);

let opened: TestRegistry;
let session: string;

/** Pushes what requests ask for. */
async function seed(): Promise<void> {
  for (const name of ['acme/web', 'acme/other', 'acme/web/blobs/uploads']) {
    for (const content of contents) await opened.pushBlob(name, content);
    const headers = { 'content-type': imageType };
    await opened.call('PUT', `/v2/${name}/manifests/latest`, { headers, body: imageOf(['layer one']) });
  }
  session = (await openSession(opened)).split('/').at(-1) ?? '';
}

beforeEach(async () => {
  opened = openTestRegistry({
    access: {
      authenticate: (shown) =>
        'username' in shown && shown.password === 'secret' ? { id: shown.username } : undefined,
      authorize: ({ identity, name }) => identity !== undefined || !name.includes('private'),
    },
  });
  await seed();
});
afterEach(() => opened.close());

/** A request of a stranger: an endpoint's path, of which each part may be anything. */
interface Hostile {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
}

const parts: Readonly<Record<string, fc.Arbitrary<string>>> = {
  '<name>': mostly(names),
  '<reference>': mostly(fc.oneof(tags, digests)),
  '<session>': mostly(fc.constant('<session>')),
};

const endpoints: fc.Arbitrary<readonly [method: string, path: string]> = fc.constantFrom(
  ['GET', '/v2/'],
  ['GET', '/v2/_catalog'],
  ['GET', '/v2/token'],
  ['POST', '/v2/token'],
  ['POST', '/v2/<name>/blobs/uploads/'],
  ['PATCH', '/v2/<name>/blobs/uploads/<session>'],
  ['PUT', '/v2/<name>/blobs/uploads/<session>'],
  ['GET', '/v2/<name>/blobs/uploads/<session>'],
  ['GET', '/v2/<name>/blobs/<reference>'],
  ['HEAD', '/v2/<name>/blobs/<reference>'],
  ['DELETE', '/v2/<name>/blobs/<reference>'],
  ['PUT', '/v2/<name>/manifests/<reference>'],
  ['GET', '/v2/<name>/manifests/<reference>'],
  ['DELETE', '/v2/<name>/manifests/<reference>'],
  ['GET', '/v2/<name>/tags/list'],
  ['GET', '/v2/<name>/referrers/<reference>'],
  ['GET', '/v2/<name>'],
);

const paramNames = fc.constantFrom(
  ...['n', 'last', 'place', 'digest', 'mount', 'from', 'digest-algorithm', 'artifactType', 'tag', 'scope', 'service'],
  ...['account', 'offline_token', 'grant_type', 'n[]', '__proto__'],
);
const scopes = fc
  .tuple(fc.constantFrom('repository', 'registry'), names, fc.constantFrom('pull', 'pull,push', '*'))
  .map((scope) => scope.join(':'));
const values = mostly(
  fc.oneof(digests, tags, names, scopes, fc.constantFrom('sha256', 'sha512', '10', 'true', 'moorage', imageType)),
);
const queries = fc.array(
  fc.tuple(paramNames, values, fc.boolean()).map(([name, value, isRaw]) => {
    return `${name}=${isRaw ? value : encodeURIComponent(value.toWellFormed())}`;
  }),
  { maxLength: 4 },
);

const headerValues: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'content-type': mostly(fc.constantFrom(imageType, indexType, 'application/octet-stream', 'text/plain; a=b')),
  'content-length': mostly(fc.nat(100).map(String)),
  'content-range': mostly(ranges),
  range: mostly(ranges),
  'if-match': mostly(digests.map((digest) => `"${digest}"`)),
  'if-none-match': mostly(fc.constantFrom('*', 'W/"a"')),
  'transfer-encoding': mostly(fc.constant('chunked')),
  authorization: mostly(fc.constantFrom(`Basic ${btoa('alice:secret')}`, `Basic ${btoa('a:b')}`, 'Bearer a.b.c')),
  'x-forwarded-host': mostly(fc.constant('hub.example')),
  host: mostly(fc.constant('hub.example')),
  accept: mostly(fc.constantFrom('*/*', imageType)),
};
const headers = fc
  .array(fc.constantFrom(...Object.keys(headerValues)), { maxLength: 3 })
  .chain((wanted) => fc.record(Object.fromEntries(wanted.map((name) => [name, headerValues[name] ?? fc.string()]))))
  .map((given) => ({ authorization: `Basic ${btoa('alice:secret')}`, ...given }));

const bodies = fc.oneof(documents, fc.uint8Array({ maxLength: 200 }), fc.constant(undefined));
const otherMethods = fc.constantFrom(
  'GET',
  'HEAD',
  'POST',
  'PATCH',
  'PUT',
  'DELETE',
  'TRACE',
  'get',
  '',
  '__proto__',
  'PUT\r\n',
);

const requests: fc.Arbitrary<Hostile> = fc
  .record({
    endpoint: endpoints,
    given: fc.record(parts),
    query: queries,
    method: fc.oneof({ arbitrary: fc.constant(undefined), weight: 9 }, { arbitrary: otherMethods, weight: 1 }),
    headers,
    body: bodies,
  })
  .map(({ endpoint: [usual, path], given, query, method = usual, ...rest }) => {
    const filled = Object.entries(given).reduce((text, [part, value]) => text.replace(part, () => value), path);
    return { method, target: query.length === 0 ? filled : `${filled}?${query.join('&')}`, ...rest };
  });

async function send({ method, target, headers: given, body }: Hostile): Promise<Answer> {
  const call: Call = { headers: given, ...(body === undefined ? {} : { body }) };
  return opened.call(method, target.replaceAll('<session>', session), call);
}

/** What every answer owes, whatever was asked. */
function expectSound(method: string, answer: Answer): void {
  expect(answer.status, answer.text).toBeLessThan(500);
  expect(opened.faults).toEqual([]);
  for (const [name, value] of Object.entries(answer.headers)) {
    // What Node would refuse to send, or another program read as a line of its own.
    for (const line of (value ?? '').split('\n')) expect(line, name).toMatch(/^[\t\x20-\x7e]*$/);
  }
  if (answer.status < 400 || method === 'HEAD') return;
  const { errors } = answer.json();
  expect(errors.length).toBeGreaterThan(0);
  for (const { code, message } of errors) {
    expect(codes).toContain(code);
    expect(message.length).toBeLessThan(1000);
    expect(message).toMatch(/^[\x20-\x7e…]+$/);
  }
}

test(
  'any request is answered, never by a fault, and nothing of it breaks out of a header or a message',
  async () => {
    await fc.assert(
      fc.asyncProperty(requests, async (request) => {
        // Guesses are bounded in a minute, and the rest of the run is not to be answered 429.
        opened.advance(61_000);
        const answer = await send(request);
        expectSound(request.method, answer);
        // What was deleted, or was a session before, is there for the next one.
        const isChange = ['PUT', 'PATCH', 'DELETE'].includes(request.method) && answer.status < 300;
        if (isChange) await seed();
      }),
      runs(800),
    );
  },
  timeoutMs,
);

test(
  'after any requests, what was there before is there, and a push works',
  async () => {
    const changing = requests.filter(({ method }) => method !== 'DELETE');
    await fc.assert(
      fc.asyncProperty(fc.array(changing, { maxLength: 5 }), async (several) => {
        opened.advance(61_000);
        for (const request of several) await send(request);
        for (const content of contents) await opened.pushBlob('acme/web', content);
        const pushed = imageOf(['layer one']);
        const put = await opened.call('PUT', '/v2/acme/web/manifests/kept', { body: pushed });
        expect(put.status).toBe(201);
        expect((await opened.call('GET', '/v2/acme/web/manifests/kept')).text).toBe(pushed);
      }),
      runs(50),
    );
  },
  timeoutMs,
);

/** Where a hostile text may stand in a request. */
const places: Readonly<Record<string, (text: string) => Partial<Hostile>>> = {
  'a name': (text) => ({ target: `/v2/${text}/tags/list` }),
  'a tag or digest': (text) => ({ target: `/v2/acme/web/manifests/${text}` }),
  'a digest of a blob': (text) => ({ target: `/v2/acme/web/blobs/${text}` }),
  'a session': (text) => ({ target: `/v2/acme/web/blobs/uploads/${text}`, method: 'PATCH' }),
  'where a list of tags goes on': (text) => ({
    target: `/v2/acme/web/tags/list?last=${encodeURIComponent(text.toWellFormed())}`,
  }),
  'the length of a page': (text) => ({ target: `/v2/acme/web/tags/list?n=${text}` }),
  'where the catalog goes on': (text) => ({ target: `/v2/_catalog?last=${text}` }),
  'a scope': (text) => ({ target: `/v2/token?scope=${text}` }),
  'a mount': (text) => ({ target: `/v2/acme/web/blobs/uploads/?mount=${text}&from=${text}`, method: 'POST' }),
  'the digest of an upload': (text) => ({
    target: `/v2/acme/web/blobs/uploads/<session>?digest=${text}`,
    method: 'PUT',
  }),
  Authorization: (text) => ({ headers: { authorization: text } }),
  Basic: (text) => ({ headers: { authorization: `Basic ${text}` } }),
  Bearer: (text) => ({ headers: { authorization: `Bearer ${text}` } }),
  'Content-Type': (text) => ({ headers: { 'content-type': text }, method: 'PUT' }),
  'If-Match and If-None-Match': (text) => ({
    headers: { 'if-match': text, 'if-none-match': text },
    method: 'PUT',
    body: imageOf(['layer one']),
  }),
  'If-None-Match': (text) => ({ headers: { 'if-none-match': text } }),
  Range: (text) => ({
    headers: { range: text },
    target: `/v2/acme/web/blobs/${encodeURIComponent(text.toWellFormed())}`,
  }),
  'Content-Range': (text) => ({
    headers: { 'content-range': text },
    target: '/v2/acme/web/blobs/uploads/<session>',
    method: 'PATCH',
  }),
  'Content-Length': (text) => ({
    headers: { 'content-length': text },
    target: '/v2/acme/web/blobs/uploads/<session>',
    method: 'PATCH',
  }),
  'a manifest': (text) => ({ body: text, method: 'PUT' }),
};

test.each(Object.entries(places))('past holes and long texts are answered at once in %s', async (_, place) => {
  for (const text of [...pastHoles, ...longTexts]) {
    opened.advance(61_000);
    const base = { method: 'GET', target: '/v2/acme/web/manifests/latest', headers: {}, body: undefined };
    const request = { ...base, ...place(text) };
    const startedMs = performance.now();
    const answer = await send(request);
    // A text of 15,000 characters takes milliseconds; going back and forth in it would take minutes.
    expect(performance.now() - startedMs, request.target.slice(0, 100)).toBeLessThan(1000);
    expectSound(request.method, answer);
  }
});
