import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { imageOf } from '../../test/support/documents.ts';
import { type Call, imageType, openTestRegistry, sha256, type TestRegistry } from '../../test/support/registry.ts';
import type { AccessOptions } from '../access/doors.ts';
import type { AuthorizeRequest } from '../access/identity.ts';
import type { MetadataStore } from '../storage/metadata-store.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import { type Route, routes } from './routes.ts';

const image = imageOf([], { annotations: { is: 'private' } });
const session = '00000000-0000-0000-0000-000000000000';

/** A request that would do what the row is for, if it were allowed. */
function requestOf({ end, method, path }: Route, name: string): [method: string, target: string, call: Call] {
  const reference = path.includes('/blobs/') ? sha256('{}') : path.includes('/manifests/') ? 'latest' : sha256(image);
  const target = path.replace('<name>', name).replace('<reference>', reference).replace('<session>', session);
  const query = end === 'end-4' || end === 'end-6' ? `?digest=${sha256('more')}` : '';
  const body = end === 'end-7' ? image : 'more';
  return method === 'GET' || method === 'DELETE'
    ? [method, target, {}]
    : [method, `${target}${query}`, { headers: { 'content-type': imageType }, body }];
}

interface Watched extends TestRegistry {
  /** Names of the store's calls since the last look. */
  takeCalls(): readonly string[];
  /** What was asked since the last look. */
  takeQuestions(): readonly AuthorizeRequest[];
  /** Decides from now on; before, everything is allowed. */
  decide(allows: (request: AuthorizeRequest) => boolean): void;
}

/** A registry with a repository `acme/secret`, which tells what its store and its decision are asked. */
async function openWatched(): Promise<Watched> {
  let calls: string[] = [];
  let questions: AuthorizeRequest[] = [];
  let allows = (_request: AuthorizeRequest): boolean => true;
  const metadata = new Proxy<MetadataStore>(sqlite({ file: ':memory:' }), {
    get(store, name: keyof MetadataStore) {
      calls.push(name);
      return store[name];
    },
  });
  const access: AccessOptions = {
    authorize(request) {
      questions.push(request);
      return allows(request);
    },
  };
  const opened = openTestRegistry({ metadata, access });
  await opened.pushBlob('acme/secret', '{}');
  await opened.call('PUT', '/v2/acme/secret/manifests/latest', { headers: { 'content-type': imageType }, body: image });
  return {
    ...opened,
    takeCalls() {
      const taken = calls;
      calls = [];
      return taken;
    },
    takeQuestions() {
      const taken = questions;
      questions = [];
      return taken;
    },
    decide(decision) {
      allows = decision;
    },
  };
}

/** Status and code of a refusal. Referrers of what is not there are none, as the specification wants it, and so are those of what is hidden. */
function refusalOf({ end, action }: Route): readonly [status: number, code: string | undefined] {
  if (end === 'end-12') return [200, undefined];
  return action === 'pull' ? [404, 'NAME_UNKNOWN'] : [403, 'DENIED'];
}

const onRepositories = routes.filter(({ path }) => path.includes('<name>'));

test('every row on a repository asks for its action before anything else, and a refusal serves and changes nothing', async () => {
  const opened = await openWatched();
  opened.decide(() => false);
  for (const route of onRepositories) {
    for (const name of ['acme/secret', 'acme/none']) {
      opened.takeCalls();
      opened.takeQuestions();
      const answer = await opened.call(...requestOf(route, name));
      expect([route.end, answer.status, answer.json().errors?.[0].code]).toEqual([route.end, ...refusalOf(route)]);
      if (route.end === 'end-12') expect(answer.json().manifests).toEqual([]);
      expect([route.end, opened.takeCalls()]).toEqual([route.end, ['findRepository']]);
      const asked = [{ identity: undefined, action: route.action, name }];
      // A refused write tells who may see the repository whom to ask.
      const seeing = route.action === 'pull' ? [] : [{ identity: undefined, action: 'pull', name }];
      expect(opened.takeQuestions()).toMatchObject([...asked, ...seeing]);
    }
  }
  expect(opened.faults).toEqual([]);
});

test('every row on a repository is refused to who may do everything but its action', async () => {
  const opened = await openWatched();
  for (const route of onRepositories) {
    opened.decide(({ action }) => action !== route.action);
    const answer = await opened.call(...requestOf(route, 'acme/secret'));
    expect([route.end, answer.status]).toEqual([route.end, refusalOf(route)[0]]);
  }
});

test('every row on a repository lets who may do its action alone do it', async () => {
  const opened = await openWatched();
  for (const route of onRepositories) {
    opened.decide(({ action }) => action === route.action);
    const answer = await opened.call(...requestOf(route, 'acme/secret'));
    // The session is one that nobody was given, and the configuration is named by the manifest.
    const expected = route.path.includes('<session>')
      ? 'BLOB_UPLOAD_UNKNOWN'
      : route.end === 'end-10'
        ? 'UNSUPPORTED'
        : '';
    expect([route.end, answer.status < 300 ? '' : answer.codes()[0]]).toEqual([route.end, expected]);
  }
});

test('reads of a private repository and of none answer alike, whatever they ask for', async () => {
  const opened = await openWatched();
  opened.decide(({ repository }) => repository?.visibility === 'public');
  for (const route of onRepositories.filter(({ action }) => action === 'pull')) {
    for (const method of ['GET', 'HEAD']) {
      const [hidden, missing] = await Promise.all(
        ['acme/secret', 'acme/unborn'].map((name) => opened.call(method, requestOf(route, name)[1])),
      );
      expect(hidden?.status).toBe(refusalOf(route)[0]);
      expect([route.end, method, missing?.status, missing?.text]).toEqual([
        route.end,
        method,
        hidden?.status,
        hidden?.text,
      ]);
      const { 'x-request-id': _, ...headers } = hidden?.headers ?? {};
      expect(missing?.headers).toMatchObject(headers);
    }
  }
});

test('reads of a private repository answer as those of none do where an application lets everyone pull what is not there', async () => {
  const opened = await openWatched();
  opened.decide(({ repository }) => repository === undefined || repository.visibility === 'public');
  for (const target of [
    'manifests/latest',
    `blobs/${sha256('{}')}`,
    'tags/list',
    'tags/list?n=0',
    'tags/list?n=-1',
    'manifests/!',
    'blobs/none',
  ]) {
    const [hidden, missing] = await Promise.all(
      ['acme/secret', 'acme/unborn'].map((name) => opened.call('GET', `/v2/${name}/${target}`)),
    );
    expect([target, missing?.status, missing?.text]).toEqual([target, 404, hidden?.text]);
  }
});

test('rows without a repository serve nothing of one that may not be pulled', async () => {
  const opened = await openWatched();
  opened.decide(() => false);
  const others = routes.filter(({ path }) => !path.includes('<name>'));
  const answers = await Promise.all(
    others.map(async ({ method, path }) => {
      const body = 'grant_type=password&username=alice&password=x';
      const answer = await opened.call(
        method,
        `${path}?scope=repository:acme/secret:*`,
        method === 'POST' ? { body } : {},
      );
      return [
        method,
        path,
        answer.status,
        'token' in answer.json() ? decodeJwt(answer.json().token)['access'] : answer.json(),
      ];
    }),
  );
  expect(answers).toEqual([
    ['GET', '/v2/', 200, {}],
    ['GET', '/v2/_catalog', 200, { repositories: [] }],
    ['GET', '/v2/token', 200, [{ type: 'repository', name: 'acme/secret', actions: [] }]],
    ['POST', '/v2/token', 401, { errors: [{ code: 'UNAUTHORIZED', message: expect.any(String) }] }],
    ['GET', '/v2/token/keys', 200, { keys: [] }],
  ]);
});

test('a mount asks for pull on its source too: refused, it is a session that tells nothing', async () => {
  const opened = await openWatched();
  opened.decide(({ action, name }) => action === 'push' && name === 'acme/mine');
  opened.takeQuestions();
  const mount = (from: string) =>
    opened.call('POST', `/v2/acme/mine/blobs/uploads/?mount=${sha256('{}')}${from === '' ? '' : `&from=${from}`}`);
  const answers = [await mount('acme/secret'), await mount('acme/none'), await mount('')];
  expect(answers.map(({ status, text }) => [status, text])).toEqual(Array(3).fill([202, '']));
  expect(opened.takeQuestions().map(({ action, name }) => `${action} ${name}`)).toEqual([
    'push acme/mine',
    'pull acme/secret',
    'push acme/mine',
    'pull acme/none',
    'push acme/mine',
    'pull acme/secret',
  ]);
  opened.decide(() => true);
  expect((await opened.call('HEAD', `/v2/acme/mine/blobs/${sha256('{}')}`)).status).toBe(404);
});
