import { expect, test } from 'vitest';
import { ExitError } from '../exit-error.ts';
import { readOidc } from './oidc-settings.ts';

const rule = {
  claims: { repository: 'acme/web' },
  repositories: ['acme/web', 'acme/web/*'],
  actions: ['pull', 'push'],
};
const entry = { issuer: 'https://ci.example', audience: 'hub.example', rules: [rule] };
const people = { clientId: 'moorage', nameClaim: 'email' };

function refusal(setting: readonly unknown[]): string {
  try {
    readOidc(setting);
  } catch (error) {
    if (error instanceof ExitError) return error.message;
    throw error;
  }
  throw new Error('The setting was accepted.');
}

test('what is left out has its default', () => {
  expect(readOidc([entry, { issuer: 'http://127.0.0.1:8080/realm', people }])).toEqual([
    { ...entry, rules: [{ ...rule, ttlSeconds: 600, as: undefined }], people: undefined },
    {
      issuer: 'http://127.0.0.1:8080/realm',
      audience: undefined,
      rules: [],
      people: { ...people, groupsClaim: undefined, domain: undefined, ttlSeconds: 604_800 },
    },
  ]);
});

const everyToken =
  'oidc[0].rules[0].claims must want more than * of a claim beside iss, aud, exp, iat, nbf: else every token would do.';

const withRule = (change: object) => [{ ...entry, rules: [{ ...rule, ...change }] }];

test.each<[readonly unknown[], string]>([
  [[{ ...entry, isuer: 1 }], 'There is no setting oidc[0].isuer: the nearest is issuer.'],
  [withRule({ ttl: 60 }), 'There is no setting oidc[0].rules[0].ttl: the nearest is as.'],
  [
    [{ issuer: 'https://a.example', people: { ...people, clientID: 'x' } }],
    'There is no setting oidc[0].people.clientID: the nearest is clientId.',
  ],
  [withRule({ claims: undefined }), 'oidc[0].rules[0].claims must name claims, such as repository: acme/web.'],
  [withRule({ claims: {} }), everyToken],
  [withRule({ claims: { repository: '*' } }), everyToken],
  [withRule({ claims: { repository: '**', iss: 'https://ci.example', aud: 'hub.example' } }), everyToken],
  [withRule({ claims: { repository: 1 } }), 'oidc[0].rules[0].claims.repository must be text.'],
  [
    withRule({ repositories: ['*'] }),
    'oidc[0].rules[0].repositories[0] must be the name of a repository, or of a namespace with /* at its end.',
  ],
  [withRule({ repositories: [] }), 'oidc[0].rules[0].repositories must not be empty.'],
  [withRule({ actions: ['manage'] }), 'oidc[0].rules[0].actions[0] must be pull, push or delete.'],
  [withRule({ ttlSeconds: 1e9 }), 'oidc[0].rules[0].ttlSeconds must be a whole number of seconds from 60 to 86400.'],
  [withRule({ as: '@ops' }), 'oidc[0].rules[0].as must be lower-case letters, digits, dots, underscores and hyphens.'],
  [
    [{ ...entry, issuer: 'http://ci.example' }],
    'oidc[0].issuer must be an https URL without a query (http is for the loopback alone).',
  ],
  [
    [{ ...entry, issuer: 'https://user@ci.example' }],
    'oidc[0].issuer must be an https URL without a query (http is for the loopback alone).',
  ],
  [
    [{ ...entry, audience: undefined }],
    'oidc[0].audience is missing: without it tokens that were made for others would do.',
  ],
  [
    [{ issuer: 'https://a.example', audience: 'x' }],
    'oidc[0] has neither rules, for workloads, nor people: say what its tokens are good for.',
  ],
  [
    [{ ...entry, audience: 'moorage', people }],
    'oidc[0].audience is the client id of people: choose another one, so that nobody passes for a workload.',
  ],
  [[entry, entry], 'An issuer stands twice in oidc: join its rules in one entry.'],
  [
    [
      { issuer: 'https://a.example', people },
      { issuer: 'https://b.example', people },
    ],
    'Two issuers of oidc have people: their names would mix, so keep one.',
  ],
])('%j is refused', (setting, sentence) => {
  expect(refusal(setting)).toBe(sentence);
});
