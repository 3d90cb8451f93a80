import type { AccessTokenRecord } from '../storage/access-records.ts';
import { type AccessTokens, isAccessTokenSecret } from './access-tokens.ts';
import { anonymous, type Caller, type Credentials, type Identity } from './identity.ts';
import type { Logins } from './logins.ts';
import type { Tokens } from './tokens.ts';
import { UnauthorizedError } from './unauthorized.ts';

/** How an application knows its users. */
export interface IdentityOptions {
  /** Who shows these credentials: a username and password, or a token that this registry did not sign. Undefined: nobody. Asked at each request that shows them. */
  authenticate?(
    credentials: Credentials,
    from: { readonly address: string | undefined },
  ): Identity | undefined | Promise<Identity | undefined>;
  /** What is known of an identity now. Tokens carry the id alone, so groups and rights that change count at the next request; undefined: it may do nothing any more.
   *  `credential` is what `authenticate` said was shown: say undefined when that was revoked. Default: the id alone. */
  identify?(id: string, credential: string | undefined): Identity | undefined | Promise<Identity | undefined>;
}

/** What callers are told apart with. */
export interface CallerNeeds {
  readonly options: IdentityOptions;
  readonly tokens: Pick<Tokens, 'verify'>;
  readonly accessTokens: AccessTokens;
  readonly logins: Logins;
}

/** Tells who sends a request. */
export interface Callers {
  /** Whether anybody can log in with a password. */
  readonly canLogIn: boolean;
  /** Who shows the credentials; 401 for those that are not good, 429 for too many of them. */
  find(credentials: Credentials | undefined, address: string | undefined): Promise<Caller>;
  /** Who a client that logged in before is, by the token it was given then. */
  findByOfflineToken(secret: string): Promise<Caller>;
}

export function createCallers({ options, tokens, accessTokens, logins }: CallerNeeds): Callers {
  const { authenticate, identify = (id: string): Identity => ({ id }) } = options;

  /** Who an identity is now, for whom an access token may stand, and something that was made for it at `madeMs`. */
  async function known(id: string, { accessToken, madeMs, credential }: KnownBy): Promise<Identity> {
    const isRobot = accessToken?.kind === 'robot';
    const identity = isRobot ? { id, isRobot } : isReserved(id) ? undefined : await identify(id, credential);
    if (identity === undefined) throw new UnauthorizedError(`${id} is not known any more.`);
    const isOld = identity.sinceMs !== undefined && madeMs !== undefined && madeMs < identity.sinceMs;
    if (isOld) throw new UnauthorizedError('The token is from before the password was changed: log in again.');
    return isRobot ? identity : checked(identity);
  }

  async function findByToken(token: string, address: string | undefined): Promise<Caller> {
    let claims: Awaited<ReturnType<Tokens['verify']>>;
    try {
      claims = await tokens.verify(token);
    } catch (error) {
      const identity = error instanceof UnauthorizedError ? await authenticate?.({ token }, { address }) : undefined;
      if (identity === undefined) throw error;
      return { ...anonymous, identity: checked(identity) };
    }
    const { identity: id, scopes, reachesCatalog, credential } = claims;
    const accessToken = claims.accessToken === undefined ? undefined : await accessTokens.find(claims.accessToken);
    if (claims.accessToken !== undefined && accessToken === undefined) {
      throw new UnauthorizedError('The access token was revoked.');
    }
    // An access token is revoked by itself, and does not end with a password. A bearer token says its second alone.
    const madeMs = accessToken === undefined && claims.issuedMs !== undefined ? claims.issuedMs + 999 : undefined;
    const identity = id === undefined ? undefined : await known(id, { accessToken, madeMs, credential });
    return { identity, scopes, reachesCatalog, accessToken };
  }

  async function findByPassword(
    username: string,
    password: string,
    address: string | undefined,
  ): Promise<Caller | undefined> {
    if (!isAccessTokenSecret(password)) {
      const identity = await authenticate?.({ username, password }, { address });
      return identity === undefined ? undefined : { ...anonymous, identity: checked(identity) };
    }
    const accessToken = await accessTokens.findBySecret(password);
    if (accessToken === undefined || accessToken.identity !== username || accessToken.kind === 'offline')
      return undefined;
    return { identity: await known(username, { accessToken, madeMs: undefined }), scopes: undefined, accessToken };
  }

  return {
    canLogIn: authenticate !== undefined,
    async find(credentials, address) {
      if (credentials === undefined) return anonymous;
      if ('token' in credentials) return findByToken(credentials.token, address);
      const { username, password } = credentials;
      logins.check(username, address);
      const caller = await findByPassword(username, password, address);
      // Again: of guesses that are sent at once, those are told of that the limit lets be told of.
      logins.check(username, address);
      if (caller !== undefined) return caller;
      logins.fail(username, address);
      throw new UnauthorizedError('The user name or the password is wrong.', { username });
    },
    async findByOfflineToken(secret) {
      const record = await accessTokens.findBySecret(secret);
      if (record?.kind !== 'offline')
        throw new UnauthorizedError('The refresh token is not known, or has expired: log in again.');
      return { ...anonymous, identity: await known(record.identity, { madeMs: record.createdMs }) };
    },
  };
}

/** What speaks for an identity. */
interface KnownBy {
  readonly accessToken?: AccessTokenRecord | undefined;
  readonly madeMs: number | undefined;
  readonly credential?: string | undefined;
}

/** Grants name groups by `@` and robots by `robot+`: an identity of the application that looked like one would get its rights. */
function isReserved(id: string): boolean {
  return id === '' || id.startsWith('@') || id.startsWith('robot+');
}

/** What an application says of somebody, whom it must not make a group or a robot. */
function checked(identity: Identity): Identity {
  if (isReserved(identity.id) || identity.isRobot === true) {
    throw new TypeError(`An application's identity is no group and no robot: ${JSON.stringify(identity.id)}.`);
  }
  return identity;
}
