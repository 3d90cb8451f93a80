import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OciError } from '../oci/error.ts';
import { parseRepositoryName } from '../oci/name.ts';
import { formatScope, parseActions, parseNamePattern, parseScopes, patternMatches } from './scope.ts';

const repository = (name: string, ...actions: readonly string[]) => ({ type: 'repository', name, actions });

/** What `parse` makes, or the code and status of its refusal; anything else that it throws is thrown on. */
function outcome<Result>(parse: () => Result): Result | string {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    return `${error.code} ${error.status}`;
  }
}

test('several scopes in one parameter, in several parameters and in both are the same', () => {
  const expected = [repository('acme/web', 'pull', 'push'), repository('acme/base', 'pull')];
  for (const parameters of [
    ['repository:acme/web:push,pull repository:acme/base:pull'],
    ['repository:acme/web:pull,push', 'repository:acme/base:pull'],
    ['repository:acme/web:pull', 'repository:acme/base:pull  repository:acme/web:push '],
  ]) {
    expect(parseScopes(parameters)).toEqual(expected);
  }
});

test('no parameter, an empty one and one of spaces ask for nothing', () => {
  for (const parameters of [[], [''], ['   ', '']]) expect(parseScopes(parameters)).toEqual([]);
});

test('the wildcard is every action, alone, among others and joined with them', () => {
  const all = [repository('a', 'pull', 'push', 'delete')];
  for (const parameters of [
    ['repository:a:*'],
    ['repository:a:pull,*'],
    ['repository:a:pull', 'repository:a:*'],
    ['repository:a:delete,push,pull,push'],
  ]) {
    expect(parseScopes(parameters)).toEqual(all);
  }
});

test('an action that is not known is left out, and a scope without one keeps its repository', () => {
  expect(parseScopes(['repository:a:pull,manage,admin'])).toEqual([repository('a', 'pull')]);
  expect(parseScopes(['repository:a:manage'])).toEqual([repository('a')]);
  expect(parseScopes(['repository:a:'])).toEqual([repository('a')]);
});

test('a kind that is not known gets nothing, and is no reason to refuse the others', () => {
  expect(parseScopes(['plugin:acme/x:pull', 'registry:catalog:*', 'oauth2:x:y', 'repository:a:pull'])).toEqual([
    { type: 'unknown', name: 'acme/x' },
    { type: 'registry', name: 'catalog' },
    { type: 'unknown', name: 'x' },
    repository('a', 'pull'),
  ]);
});

test('a class of a repository, as docker writes it for plugins, is that repository', () => {
  expect(parseScopes(['repository(plugin):acme/web:pull'])).toEqual([repository('acme/web', 'pull')]);
});

test('a name with host and port, and any other that is none, is NAME_INVALID', () => {
  for (const scope of [
    'repository:hub.example:5000/acme/web:pull',
    'repository:UPPER:pull',
    'repository:a//b:pull',
    'repository:../etc:pull',
    `repository:${'a'.repeat(256)}:pull`,
  ]) {
    expect([scope, outcome(() => parseScopes([scope]))]).toEqual([scope, 'NAME_INVALID 400']);
  }
});

test('what is no scope is 400', () => {
  for (const scope of ['repository', 'repository:a', ':a:pull', 'repository::pull', 'repository:a:PULL', 'a:b:c:d:e']) {
    expect([scope, outcome(() => parseScopes([scope]))]).toEqual([scope, 'UNSUPPORTED 400']);
  }
});

test('a hundred scopes are taken and more are 400', () => {
  const many = (count: number) => [Array.from({ length: count }, (_, i) => `repository:a${i}:pull`).join(' ')];
  expect(outcome(() => parseScopes(many(100)))).toHaveLength(100);
  expect(outcome(() => parseScopes(many(101)))).toBe('UNSUPPORTED 400');
});

test('any text is scopes or a refusal, and what was made can be written and read again', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom('repository', 'registry', ':', ',', '*', 'pull', 'push', ' ', 'acme/web', '(', ')', ':5000/', '"'),
  );
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 4 }), (parameters) => {
      const scopes = outcome(() => parseScopes(parameters));
      if (typeof scopes === 'string') return;
      const repositories = scopes.filter((scope) => scope.type === 'repository');
      expect(parseScopes(repositories.map(formatScope))).toEqual(repositories);
      // What stands in a challenge cannot end its quotes or its line.
      for (const scope of repositories) expect(formatScope(scope)).toMatch(/^[a-z0-9:/._,-]+$/);
    }),
    { numRuns: 500 },
  );
});

test('a long scope of any shape is read in a time that its length does not multiply', () => {
  for (const text of [':'.repeat(50_000), `repository:${'a:5000/'.repeat(10_000)}`, 'repository:a:'.repeat(5_000)]) {
    const startedMs = performance.now();
    expect(outcome(() => parseScopes([text]))).toMatch(/ 400$/);
    expect(performance.now() - startedMs).toBeLessThan(200);
  }
});

test('actions are known ones, each once, in one order', () => {
  expect(parseActions(['push', 'x', 'pull', 'push'])).toEqual(['pull', 'push']);
  expect(parseActions(['*'])).toEqual(['pull', 'push', 'delete']);
  expect(parseActions([])).toEqual([]);
});

test('a pattern is a name, or a namespace with every depth below it and not itself', () => {
  for (const [pattern, name, matches] of [
    ['acme/web', 'acme/web', true],
    ['acme/web', 'acme/web2', false],
    ['acme/web', 'acme/web/api', false],
    ['acme/*', 'acme/web', true],
    ['acme/*', 'acme/web/api/v1', true],
    ['acme/*', 'acme', false],
    ['acme/*', 'acme2/web', false],
    ['acme/web/*', 'acme/web/api', true],
    ['acme/web/*', 'acme/website', false],
    ['acme', 'acme', true],
  ] as const) {
    const matched = patternMatches(parseNamePattern(pattern), parseRepositoryName(name));
    expect([pattern, name, matched]).toEqual([pattern, name, matches]);
  }
});

test('what is no pattern is NAME_INVALID', () => {
  for (const text of ['*', '/*', 'acme*', 'acme/*/web', 'acme/**', 'acme/', 'ACME/*', 'acme/*/*', '', '@group']) {
    expect([text, outcome(() => parseNamePattern(text))]).toEqual([text, 'NAME_INVALID 400']);
  }
});
