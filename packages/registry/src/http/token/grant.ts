import type { Caller } from '../../access/identity.ts';
import { type RepositoryScope, type Scope, scopeActions } from '../../access/scope.ts';
import { UnauthorizedError } from '../../access/unauthorized.ts';
import { OciError, quote } from '../../oci/error.ts';
import type { Deps } from '../endpoint.ts';

/** How long a client that logged in may get tokens without its password, in seconds. */
const offlineTtlSeconds = 90 * 24 * 60 * 60;

/** What a client asks for. */
export interface GrantRequest {
  readonly scopes: readonly Scope[];
  readonly isOffline: boolean;
  readonly address: string | undefined;
}

/** The answer of the token endpoint: of each repository the part that the caller may do now, which may be nothing. */
export async function grant(deps: Deps, caller: Caller, { scopes, isOffline, address }: GrantRequest): Promise<object> {
  // A token that could be widened or prolonged with itself would be neither narrow nor short.
  if (caller.scopes !== undefined) throw new UnauthorizedError('A token is got by logging in, and not with a token.');
  const granted: RepositoryScope[] = [];
  for (const scope of scopes) {
    if (scope.type !== 'repository') continue;
    granted.push({ ...scope, actions: await deps.access.listAllowed(caller, scope.name, scope.actions) });
  }
  const { identity, accessToken } = caller;
  // What was made with an access token, or with a key of the application's, ends with it: a refresh token would outlive it.
  const endsByItself = accessToken !== undefined || identity?.credential !== undefined;
  const isRenewable = isOffline && identity !== undefined && !endsByItself;
  // A client that wants no scope checks what was typed, and one that wants a refresh token will not type it again: logins.
  if (identity !== undefined && (scopes.length === 0 || isRenewable)) {
    deps.audit.record({
      identity: identity.id,
      address,
      act: 'login',
      isAllowed: true,
      repository: undefined,
      about: undefined,
    });
  }
  const issued = await deps.tokens.issue({
    identity: identity?.id,
    scopes: granted,
    reachesCatalog: scopes.some(({ type, name }) => type === 'registry' && name === 'catalog'),
    accessToken: accessToken?.id,
    credential: identity?.credential,
  });
  const refresh = isRenewable ? { refresh_token: await newOfflineToken(deps, identity.id) } : {};
  return {
    token: issued.token,
    access_token: issued.token,
    expires_in: issued.expiresInSeconds,
    issued_at: new Date(issued.issuedMs).toISOString(),
    ...refresh,
  };
}

async function newOfflineToken({ accessTokens }: Deps, identity: string): Promise<string> {
  const request = {
    kind: 'offline',
    identity,
    pattern: undefined,
    actions: scopeActions,
    ttlSeconds: offlineTtlSeconds,
  } as const;
  return (await accessTokens.create(request)).secret;
}

/** A client that wants a token for another registry is at the wrong door. */
export function checkService({ challenger }: Deps, service: string | null): void {
  if (!challenger.isOwn)
    throw new OciError('UNSUPPORTED', 'Tokens for this registry are made by another server: follow its challenge.', {
      status: 404,
    });
  if (service === null || service === '' || service === challenger.service) return;
  throw new OciError(
    'UNSUPPORTED',
    `Tokens for the service ${quote(service)} are not made here: this is ${challenger.service}.`,
    { status: 400 },
  );
}
