import { OciError } from '../oci/error.ts';
import type { RepositoryName } from '../oci/name.ts';
import type { NamePattern } from '../storage/access-records.ts';
import type { MetadataStore, RepositoryRecord, RepositoryTarget } from '../storage/metadata-store.ts';
import type { Action, AuthorizeRequest, Caller, Identity, Refusal, VisibleRequest } from './identity.ts';
import { patternMatches, type RepositoryScope, type ScopeAction } from './scope.ts';
import { UnauthorizedError } from './unauthorized.ts';

declare const permitBrand: unique symbol;

/** Proof that `action` on `repository` was allowed to the caller. Everything in `registry/` that acts on a repository wants one, and only this file makes one. */
export interface Permit<A extends Action = Action> {
  readonly repository: RepositoryTarget;
  readonly identity: Identity | undefined;
  readonly caller: Caller;
  readonly action: A;
  readonly [permitBrand]: true;
}

/** What is wanted of a repository. */
export interface Wanted<A extends Action> {
  readonly action: A;
  readonly name: RepositoryName;
  /** A repository that is pulled from at the same time, as a mount does: a token must name it too. Whether it may be pulled from is asked later. */
  readonly alsoPulls?: RepositoryName | undefined;
}

/** The one decision point of a registry. */
export interface Access {
  /** The permit, or undefined where it is refused. */
  findPermit<A extends Action>(caller: Caller, wanted: Wanted<A>): Promise<Permit<A> | undefined>;
  /** The permit; else 401 to who is not logged in, or shows a token that does not reach as far as its owner may go, `NAME_UNKNOWN` to who wants to read, since a private repository must look
   *  like none, and `DENIED` to who wants to write. */
  getPermit<A extends Action>(caller: Caller, wanted: Wanted<A>): Promise<Permit<A>>;
  /** 401 where nobody is logged in though somebody could be: a client learns here that it may. */
  checkIdentity(caller: Caller, action: 'identity' | 'list'): void;
  /** Those of the actions that the caller may do now, for a token. */
  listAllowed(caller: Caller, name: RepositoryName, actions: readonly ScopeAction[]): Promise<readonly ScopeAction[]>;
  /** Whether the caller may pull everything, so that lists need not ask for each. */
  seesAll(caller: Caller): boolean;
  /** Names that the application says the caller may pull, in byte order, if it can tell. */
  findVisible(
    caller: Caller,
    page: { readonly after: string | undefined; readonly limit: number },
  ): Promise<readonly string[] | undefined>;
  /** Whether the caller may pull the repository: the decision of `findPermit`, for a row that is at hand. */
  sees(caller: Caller, repository: RepositoryRecord): Promise<boolean>;
}

/** The refusal of a repository that is there: to the client it is that of one that is not, and the audit knows better. */
export class HiddenError extends OciError {}

/** What decides. */
export interface AccessNeeds {
  /** Undefined: everyone may do everything. */
  readonly authorize: ((request: AuthorizeRequest) => boolean | Refusal | Promise<boolean | Refusal>) | undefined;
  /** What a caller may pull, if that is known without asking about each: see `findVisible`. */
  readonly visible?:
    | ((request: VisibleRequest) => readonly string[] | undefined | Promise<readonly string[] | undefined>)
    | undefined;
  /** Whether anybody can log in: else nobody is asked to. */
  readonly canLogIn: boolean;
  readonly metadata: Pick<MetadataStore, 'findRepository' | 'listGrants'>;
}

export function createAccess({ authorize, visible, canLogIn, metadata }: AccessNeeds): Access {
  async function decide(
    caller: Caller,
    { action, name }: Wanted<Action>,
    repository: RepositoryRecord | undefined,
  ): Promise<boolean | Refusal> {
    if (authorize === undefined) return true;
    if (!listAllows(caller, action, name)) return false;
    return authorize({ identity: caller.identity, action, name, repository: publicPart(repository) });
  }

  const mayPull = async (caller: Caller, name: RepositoryName, repository: RepositoryRecord | undefined) =>
    (await decide(caller, { action: 'pull', name }, repository)) === true;

  const findPermit: Access['findPermit'] = async (caller, wanted) => {
    if (!scopesAllow(caller.scopes, wanted)) return undefined;
    const repository = await metadata.findRepository(wanted.name);
    return (await decide(caller, wanted, repository)) === true ? makePermit(caller, wanted, repository) : undefined;
  };

  /** Why there is no permit. Who may not see a repository gets the same for one that is there and for none, in words and in what is asked on the way. */
  async function toRefusal(
    caller: Caller,
    wanted: Wanted<Action>,
    { decision, repository }: { decision: boolean | Refusal; repository: RepositoryRecord | undefined },
  ): Promise<OciError> {
    const { action, name } = wanted;
    const isInsufficient = caller.scopes !== undefined;
    // A new token helps where this one was not made for the repository, or not for an action that is allowed; where it was asked for and refused it does not.
    if (!scopesName(caller.scopes, wanted) || decision === true) {
      return new UnauthorizedError(tooNarrow(wanted), { scopes: scopesFor(wanted), isInsufficient });
    }
    if (caller.identity === undefined && canLogIn) {
      return new UnauthorizedError('Log in first.', { scopes: scopesFor(wanted), isInsufficient });
    }
    if (typeof decision === 'object') return new OciError('DENIED', decision.refuse);
    if (action === 'pull')
      return repository === undefined ? new OciError('NAME_UNKNOWN') : new HiddenError('NAME_UNKNOWN');
    const who = caller.identity?.id ?? 'An anonymous caller';
    const what = `${who} may not ${action} ${action === 'push' ? 'to' : 'in'} ${name}.`;
    return new OciError('DENIED', `${what}${await whomToAsk(caller, name, repository)}`);
  }

  /** Owners are named to those who may see the repository. */
  async function whomToAsk(
    caller: Caller,
    name: RepositoryName,
    repository: RepositoryRecord | undefined,
  ): Promise<string> {
    // Asked of what is not there, too: it takes as long, and tells as little.
    const isVisible = await mayPull(caller, name, repository);
    if (repository === undefined || !isVisible) return '';
    const grants = await metadata.listGrants(name as string as NamePattern);
    const owners = grants.filter(({ role }) => role === 'owner').map(({ subject }) => subject);
    return owners.length === 0 ? '' : ` Ask an owner: ${owners.slice(0, 5).join(', ')}.`;
  }

  return {
    findPermit,
    async getPermit(caller, wanted) {
      const repository = await metadata.findRepository(wanted.name);
      // What is not there is refused as what is hidden is: before anything else of the request is looked at.
      const isMissing = wanted.action === 'pull' && repository === undefined;
      const answer = await decide(caller, wanted, repository);
      const decision = isMissing && answer === true ? false : answer;
      if (decision === true && scopesAllow(caller.scopes, wanted)) return makePermit(caller, wanted, repository);
      throw await toRefusal(caller, wanted, { decision, repository });
    },
    checkIdentity(caller, action) {
      const wantsCatalog = action === 'list';
      if (canLogIn && caller.identity === undefined && caller.scopes === undefined) {
        throw new UnauthorizedError('Log in first.', { wantsCatalog });
      }
      if (wantsCatalog && caller.scopes !== undefined && caller.reachesCatalog !== true) {
        const message = 'The token is not good for the catalog: get one with the scope that is named.';
        throw new UnauthorizedError(message, { wantsCatalog, isInsufficient: true });
      }
    },
    async listAllowed(caller, name, actions) {
      const repository = await metadata.findRepository(name);
      const allowed: ScopeAction[] = [];
      for (const action of actions) {
        if ((await decide(caller, { action, name }, repository)) === true) allowed.push(action);
      }
      return allowed;
    },
    seesAll: () => authorize === undefined,
    async findVisible({ identity, accessToken }, { after, limit }) {
      // A robot is the registry's own: its list says what it sees.
      if (visible === undefined || accessToken?.kind === 'robot') return undefined;
      const names = await visible({ identity, after, limit });
      if (names === undefined) return undefined;
      if (!isAscending(after === undefined ? names : [after, ...names])) {
        throw new TypeError('`visible` must give names after `after`, in byte order.');
      }
      return names;
    },
    sees: (caller, repository) => mayPull(caller, repository.name, repository),
  };
}

function makePermit<A extends Action>(
  caller: Caller,
  { action, name }: Wanted<A>,
  repository: RepositoryRecord | undefined,
): Permit<A> {
  const permit = { repository: { id: repository?.id, name }, identity: caller.identity, caller, action };
  return permit as Permit<A>;
}

function tooNarrow({ action, name }: Wanted<Action>): string {
  return `The token is not good for ${action} on ${name}: get one with the scopes that are named.`;
}

/** What a token needs to name for something to be done; clients ask for pull and push together. */
function scopesFor({ action, name, alsoPulls }: Wanted<Action>): readonly RepositoryScope[] {
  const actions: readonly ScopeAction[] = action === 'push' ? ['pull', 'push'] : action === 'manage' ? [] : [action];
  const own: RepositoryScope = { type: 'repository', name, actions };
  return alsoPulls === undefined ? [own] : [own, { type: 'repository', name: alsoPulls, actions: ['pull'] }];
}

/** Whether a bearer token reaches so far. A repository to pull from must be named in it, and may have been refused there. */
function scopesAllow(scopes: readonly RepositoryScope[] | undefined, wanted: Wanted<Action>): boolean {
  if (scopes === undefined) return true;
  const { action, name } = wanted;
  const hasAction = scopes.some((scope) => scope.name === name && scope.actions.some((allowed) => allowed === action));
  return hasAction && scopesName(scopes, wanted);
}

/** Whether a bearer token was made for the repositories, whatever was granted then. */
function scopesName(
  scopes: readonly RepositoryScope[] | undefined,
  { name, alsoPulls = name }: Wanted<Action>,
): boolean {
  return scopes === undefined || [name, alsoPulls].every((wanted) => scopes.some((scope) => scope.name === wanted));
}

/** Whether the list of an access token or robot reaches so far. */
function listAllows({ accessToken }: Caller, action: Action, name: RepositoryName): boolean {
  if (accessToken === undefined) return true;
  const isNamed = accessToken.pattern === undefined || patternMatches(accessToken.pattern, name);
  return isNamed && accessToken.actions.some((allowed) => allowed === action);
}

function isAscending(names: readonly string[]): boolean {
  return names.every((name, index) => index === 0 || (names[index - 1] ?? '') < name);
}

function publicPart(repository: RepositoryRecord | undefined): AuthorizeRequest['repository'] {
  if (repository === undefined) return undefined;
  const { name, visibility, createdBy } = repository;
  return { name, visibility, createdBy };
}
