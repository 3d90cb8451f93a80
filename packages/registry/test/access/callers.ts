import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type ScopeAction, scopeActions } from '../../src/access/scope.ts';
import { basic, bearer, openUserRegistry, type UserRegistry } from './users.ts';

type Headers = { readonly authorization?: string };

/** Somebody who sends requests, and what they show. */
export interface TableCaller {
  readonly who: string;
  readonly shows: 'nothing' | 'Basic' | 'Bearer';
  /** A namespace for what they ask for. */
  readonly space: string;
  /** Headers for their requests; a bearer token is made for all that may be done in their namespace. */
  headers(): Promise<Headers>;
}

/** How long tokens live in the table's registries, in seconds: longer than it takes to read a table. */
export const ttlSeconds = 86_400;

/** Beyond the time of a token and its leeway, in ms. */
const lateMs = (ttlSeconds + 61) * 1000;

/** Names of the repositories in a namespace. */
export type NamesIn = (space: string) => readonly string[];

/** Everybody of the table. The registry's users are the roles; its clock moves here, so that some come too late. */
export async function openCallers(opened: UserRegistry, namesIn: NamesIn): Promise<readonly TableCaller[]> {
  const scopesIn = (space: string) => namesIn(space).map((name) => `repository:${name}:*`);
  const caller = (who: string, shows: TableCaller['shows'], show: (scopes: readonly string[]) => Promise<Headers>) => {
    const space = `${who} ${shows}`.toLowerCase().replace(/[^a-z]+/g, '');
    return { who, shows, space, headers: () => show(scopesIn(space)) };
  };
  const byBoth = (who: string, shown: Headers) => [
    caller(who, 'Basic', async () => shown),
    caller(who, 'Bearer', (scopes) => opened.bearerFor(scopes, shown)),
  ];
  const late = await comeLate(opened, scopesIn('late'));
  const inVain = await bearersInVain(opened);
  return [
    caller('anonymous', 'nothing', async () => ({})),
    caller('anonymous', 'Bearer', (scopes) => opened.bearerFor(scopes)),
    ...['stranger', 'reader', 'contributor', 'owner', 'administrator'].flatMap((who) => byBoth(who, basic(who))),
    ...byBoth('robot that may pull', await accessToken(opened, 'robot+ci', ['pull'])),
    ...byBoth("owner's access token that may pull", await accessToken(opened, 'owner', ['pull'])),
    caller('wrong password', 'Basic', async () => basic('owner', 'wrong')),
    ...late,
    ...Object.entries(inVain).map(([who, show]) => caller(who, 'Bearer', show)),
  ];
}

async function accessToken(
  { registry }: UserRegistry,
  identity: string,
  actions: readonly ScopeAction[],
): Promise<Headers & { readonly id: string }> {
  const kind = identity.startsWith('robot+') ? 'robot' : 'user';
  const request = { kind, identity, pattern: undefined, actions, ttlSeconds: 100 * ttlSeconds } as const;
  const { id, secret } = await registry.accessTokens.create(request);
  return { ...basic(identity, secret), id };
}

/** Those whose right was good once: expired, revoked and disabled, who all might do everything before. */
async function comeLate(opened: UserRegistry, scopes: readonly string[]): Promise<readonly TableCaller[]> {
  const { accessTokens } = opened.registry;
  const expiring = { kind: 'user', identity: 'owner', pattern: undefined, actions: scopeActions, ttlSeconds } as const;
  const expired = basic('owner', (await accessTokens.create(expiring)).secret);
  const expiredToken = await opened.bearerFor(scopes, basic('owner'));
  opened.advance(lateMs);
  const { id, ...revoked } = await accessToken(opened, 'owner', scopeActions);
  const revokedToken = await opened.bearerFor(scopes, revoked);
  await accessTokens.revoke(id);
  opened.users.set('disabled', { id: 'disabled' });
  const disabledToken = await opened.bearerFor(scopes, basic('disabled'));
  opened.users.delete('disabled');
  return (
    [
      ['expired', 'Basic', expired],
      ['expired', 'Bearer', expiredToken],
      ['revoked', 'Basic', revoked],
      ['revoked', 'Bearer', revokedToken],
      ['disabled', 'Basic', basic('disabled')],
      ['disabled', 'Bearer', disabledToken],
    ] as const
  ).map(([who, shows, headers]) => ({ who, shows, space: 'late', headers: async () => headers }));
}

/** Tokens that speak for the owner and are not the registry's word for what is asked. */
async function bearersInVain(
  opened: UserRegistry,
): Promise<Readonly<Record<string, (scopes: readonly string[]) => Promise<Headers>>>> {
  const elsewhere = openUserRegistry({ tokens: { ttlSeconds } });
  elsewhere.users.set('owner', { id: 'owner' });
  elsewhere.advance(lateMs);
  const thief = await generateKeyPair('EdDSA', { extractable: true });
  const jwk = await exportJWK(thief.publicKey);
  const forge = async (scopes: readonly string[], header: object) => {
    const { authorization } = await opened.bearerFor(scopes, basic('owner'));
    const token = authorization.slice('Bearer '.length);
    const forged = { ...decodeProtectedHeader(token), alg: 'EdDSA', ...header };
    return new SignJWT(decodeJwt(token)).setProtectedHeader(forged).sign(thief.privateKey);
  };
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
  return {
    "owner's, of another repository": () => opened.bearerFor(['repository:private/other:*'], basic('owner')),
    "owner's, of another registry": (scopes) => elsewhere.bearerFor(scopes, basic('owner')),
    forged: async (scopes) => bearer(await forge(scopes, {})),
    '`alg: none`': async (scopes) => bearer(`${none}.${(await forge(scopes, {})).split('.')[1]}.`),
    'own `jwk`': async (scopes) => bearer(await forge(scopes, { jwk })),
  };
}
