import { OciError, quote } from '../oci/error.ts';
import { parseRepositoryName, type RepositoryName } from '../oci/name.ts';
import { type NamePattern, patternsOf } from '../storage/access-records.ts';

/** What tokens can name of what somebody does with a repository. */
export type ScopeAction = 'pull' | 'push' | 'delete';

export const scopeActions: readonly ScopeAction[] = ['pull', 'push', 'delete'];

/** Actions on one repository, as a client asks for them (docker token specification, "resource scope"). */
export interface RepositoryScope {
  readonly type: 'repository';
  readonly name: RepositoryName;
  readonly actions: readonly ScopeAction[];
}

/** A scope of another kind: the catalog, or one that is not known here and gets nothing. */
export interface OtherScope {
  readonly type: 'registry' | 'unknown';
  readonly name: string;
}

export type Scope = RepositoryScope | OtherScope;

/** Scopes of one request at the most. */
const maximumScopes = 100;

/** The scopes in the `scope` parameters of a token request: several parameters, or one with spaces between them, or both. Repeated names are
 *  joined, `*` means every action, and an action or a kind that is not known is left out. 400 where a repository's name is none, or where there are too many. */
export function parseScopes(parameters: readonly string[]): readonly Scope[] {
  const texts = parameters.flatMap((parameter) => parameter.split(' ')).filter((text) => text !== '');
  if (texts.length > maximumScopes) {
    throw new OciError('UNSUPPORTED', `${texts.length} scopes were asked for; ${maximumScopes} are allowed.`, {
      status: 400,
    });
  }
  const scopes = new Map<string, Scope>();
  for (const text of texts) {
    const scope = parseScope(text);
    const key = `${scope.type}:${scope.name}`;
    scopes.set(key, join(scopes.get(key), scope));
  }
  return [...scopes.values()];
}

function parseScope(text: string): Scope {
  // A name may hold a colon where it begins with a host and its port: the type ends at the first one, the actions begin after the last.
  const match = /^([a-z0-9]+)(?:\([a-z0-9]+\))?:([^:]+(?::\d+\/[^:]+)?):([a-z*,]*)$/.exec(text);
  if (match === null)
    throw new OciError('UNSUPPORTED', `${quote(text)} is not a scope: write repository:NAME:pull,push.`, {
      status: 400,
    });
  const [, type = '', name = '', actions = ''] = match;
  if (type === 'repository')
    return { type, name: parseRepositoryName(name), actions: parseActions(actions.split(',')) };
  return { type: type === 'registry' ? type : 'unknown', name };
}

/** The known ones of `actions`, each once, in a fixed order; `*` is all of them. */
export function parseActions(actions: readonly string[]): readonly ScopeAction[] {
  return actions.includes('*') ? scopeActions : scopeActions.filter((action) => actions.includes(action));
}

function join(before: Scope | undefined, scope: Scope): Scope {
  if (before?.type !== 'repository' || scope.type !== 'repository') return scope;
  return { ...scope, actions: parseActions([...before.actions, ...scope.actions]) };
}

/** A scope as a challenge writes it. */
export function formatScope({ name, actions }: Pick<RepositoryScope, 'name' | 'actions'>): string {
  return `repository:${name}:${actions.join(',')}`;
}

/** `text` as a pattern; else `NAME_INVALID`. */
export function parseNamePattern(text: string): NamePattern {
  parseRepositoryName(text.endsWith('/*') ? text.slice(0, -2) : text);
  return text as NamePattern;
}

/** Whether the pattern means the repository. */
export function patternMatches(pattern: NamePattern, name: RepositoryName): boolean {
  return patternsOf(name).includes(pattern);
}
