import type { Caller } from '../../access/identity.ts';
import { parseScopes } from '../../access/scope.ts';
import { UnauthorizedError } from '../../access/unauthorized.ts';
import { OciError } from '../../oci/error.ts';
import { collect } from '../../registry/collect.ts';
import type { Deps, Endpoint } from '../endpoint.ts';
import { json } from '../headers.ts';
import { checkService, grant } from './grant.ts';

/** Longest form that is read, in bytes. */
const maximumFormBytes = 64 * 1024;

/** A token by a form (docker token specification, "OAuth2"): `grant_type` is `password` or `refresh_token`. `access_type=offline` asks for a refresh token too. */
export const postToken: Endpoint = async (deps, _, { body, address }) => {
  const form = new URLSearchParams(new TextDecoder().decode(await collect(body, maximumFormBytes)));
  checkService(deps, form.get('service'));
  const caller = await findCaller(deps, form, address);
  const grantType = form.get('grant_type');
  const isOffline = grantType === 'password' && form.get('access_type') === 'offline';
  const answer = await grant(deps, caller, { scopes: parseScopes(form.getAll('scope')), isOffline, address });
  const kept = grantType === 'refresh_token' ? { refresh_token: form.get('refresh_token') } : {};
  return json(200, { ...answer, ...kept, token_type: 'Bearer' }, { 'Cache-Control': 'no-store' });
};

async function findCaller({ callers }: Deps, form: URLSearchParams, address: string | undefined): Promise<Caller> {
  switch (form.get('grant_type')) {
    case 'password': {
      const username = form.get('username');
      const password = form.get('password');
      if (username === null || password === null)
        throw new UnauthorizedError('The form has no username or no password.');
      return callers.find({ username, password }, address);
    }
    case 'refresh_token':
      return callers.findByOfflineToken(form.get('refresh_token') ?? '');
    default:
      throw new OciError('UNSUPPORTED', 'The grant_type must be password or refresh_token.', { status: 400 });
  }
}
