import { expect, test } from 'vitest';
import { openTestRegistry } from '../../test/support/registry.ts';
import type { RepositoryScope } from '../access/scope.ts';
import { UnauthorizedError } from '../access/unauthorized.ts';
import { parseRepositoryName } from '../oci/name.ts';
import { challengeHeaders } from './challenge.ts';

const challenger = {
  service: 'hub.example',
  realm: (origin: string | undefined) => `${origin ?? ''}/v2/token`,
  isOwn: true,
};
const scope = (name: string, ...actions: RepositoryScope['actions']): RepositoryScope => ({
  type: 'repository',
  name: parseRepositoryName(name),
  actions,
});
const challengeOf = (...[message, options]: ConstructorParameters<typeof UnauthorizedError>) =>
  challengeHeaders(new UnauthorizedError(message, options), challenger, 'https://hub.example');

test('a challenge says where to get a token, for which service and scopes', () => {
  expect(challengeOf('Log in first.')).toEqual({
    'WWW-Authenticate': 'Bearer realm="https://hub.example/v2/token",service="hub.example"',
  });
  expect(challengeOf('x', { scopes: [scope('acme/web', 'pull', 'push'), scope('acme/base', 'pull')] })).toEqual({
    'WWW-Authenticate':
      'Bearer realm="https://hub.example/v2/token",service="hub.example",scope="repository:acme/web:pull,push repository:acme/base:pull"',
  });
});

test('a token that lacks something is told so', () => {
  expect(challengeOf('x', { scopes: [scope('a', 'delete')], isInsufficient: true })).toEqual({
    'WWW-Authenticate':
      'Bearer realm="https://hub.example/v2/token",service="hub.example",scope="repository:a:delete",error="insufficient_scope"',
  });
});

const header =
  /^Bearer realm="[a-z0-9:/.-]*",service="[a-z0-9:.-]+"(,scope="[a-z0-9:/._, -]+")?(,error="insufficient_scope")?$/;

test('quotes and control characters in names, queries and hosts cannot break the header', async () => {
  const opened = openTestRegistry({ access: { authenticate: () => undefined, authorize: () => false } });
  const hostile = ['a"b', 'a%22b', 'a\r\nSet-Cookie:x', 'a%0d%0ab', 'a,b', 'a b', 'a\\b', 'ä', '\u0000', '"'];
  for (const text of hostile) {
    for (const [method, target] of [
      ['GET', `/v2/${text}/tags/list`],
      ['GET', `/v2/acme/web/manifests/${text}`],
      ['GET', `/v2/?account=${text}`],
      ['POST', `/v2/acme/web/blobs/uploads/?mount=${text}&from=${text}`],
      ['POST', `/v2/acme/web/blobs/uploads/?mount=x&from=${encodeURIComponent(text)}`],
    ] as const) {
      const answer = await opened.call(method, target, { headers: { host: text, origin: text } });
      expect([target, answer.status]).toEqual([target, expect.any(Number)]);
      expect([400, 401, 404]).toContain(answer.status);
      if (answer.status === 401) expect(answer.headers['www-authenticate']).toMatch(header);
      for (const value of Object.values(answer.headers)) expect(value).toMatch(/^[\x20-\x7e]*$/);
    }
  }
});
