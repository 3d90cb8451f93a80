import { ExitError } from '../exit-error.ts';
import type { Credentials } from './credentials/credentials.ts';
import type { Endpoint } from './endpoint.ts';
import { parseChallenges } from './http/challenge.ts';
import { RefusedError, toRefusedError } from './http/refused-error.ts';
import { readText } from './http/small-body.ts';
import { basicHeader, fetchToken } from './http/tokens.ts';
import { createTransport, type Transport } from './http/transport.ts';

/** A name and a password, as they are typed. */
export type Password = Extract<Credentials, { readonly kind: 'password' }>;

/** What to keep after a login: an identity token where the registry gives one, so that the password is kept nowhere; `undefined` where the registry is open and asks for nothing. */
export async function logIn(
  endpoint: Endpoint,
  credentials: Password,
): Promise<Password | Extract<Credentials, { kind: 'identity' }> | undefined> {
  const transport = createTransport(endpoint);
  try {
    const first = await knock(transport, endpoint, undefined);
    if (first.status === 200) return undefined;
    const challenges = first.status === 401 ? parseChallenges(first.headers['www-authenticate']) : [];
    const challenge = challenges.find(({ scheme }) => scheme === 'bearer');
    if (challenge !== undefined) {
      const { token, refreshToken } = await fetchToken(
        { transport, endpoint },
        { challenge, scopes: [], credentials, isLogin: true },
      );
      await mustBeIn(await knock(transport, endpoint, `Bearer ${token}`), endpoint);
      return refreshToken === undefined ? credentials : { kind: 'identity', token: refreshToken };
    }
    if (challenges.some(({ scheme }) => scheme === 'basic')) {
      await mustBeIn(await knock(transport, endpoint, basicHeader(credentials)), endpoint);
      return credentials;
    }
    throw toRefusedError(first, { endpoint, doing: 'log anybody in' });
  } catch (error) {
    if (error instanceof RefusedError && error.status === 401) {
      throw new ExitError(`${endpoint.host} does not take this name and password. ${error.message}`);
    }
    throw error;
  } finally {
    transport.close();
  }
}

/** end-1, showing `authorization`. */
async function knock(transport: Transport, { origin }: Endpoint, authorization: string | undefined) {
  const url = new URL('/v2/', origin);
  const headers = authorization === undefined ? {} : { Authorization: authorization };
  const answer = await transport.exchange({ method: 'GET', url, headers });
  const { status, headers: said } = answer;
  return { status, headers: said, text: await readText(answer, url, transport) };
}

async function mustBeIn(answer: Awaited<ReturnType<typeof knock>>, endpoint: Endpoint): Promise<void> {
  if (answer.status !== 200) throw toRefusedError(answer, { endpoint, doing: 'log you in' });
}
