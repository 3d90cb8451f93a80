import { expect, test } from 'vitest';
import { parseChallenges } from './challenge.ts';

test.each([
  [undefined, []],
  ['', []],
  ['Basic realm="a, b"', [['basic', { realm: 'a, b' }]]],
  [
    'Bearer realm="https://auth.example/token",service="hub",scope="repository:a:pull,push"',
    [['bearer', { realm: 'https://auth.example/token', service: 'hub', scope: 'repository:a:pull,push' }]],
  ],
  [
    'BEARER Realm = "x\\"y" , error=invalid_token, basic realm=z',
    [
      ['bearer', { realm: 'x"y', error: 'invalid_token' }],
      ['basic', { realm: 'z' }],
    ],
  ],
  [
    'Negotiate, Basic realm="r"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'r' }],
    ],
  ],
  ['Bearer __proto__="x"', [['bearer', Object.assign(Object.create(null), { ['__proto__']: 'x' })]]],
])('%s', (header, expected) => {
  const found = parseChallenges(header).map(({ scheme, parameters }) => [scheme, parameters]);
  expect(JSON.stringify(found)).toBe(JSON.stringify(expected));
});
