import { anonymous } from '../../access/identity.ts';
import { parseScopes } from '../../access/scope.ts';
import { parseCredentials } from '../credentials.ts';
import type { Endpoint } from '../endpoint.ts';
import { json } from '../headers.ts';
import { checkService, grant } from './grant.ts';

/** A token for whom Basic says, or for nobody (docker token specification, "Requesting a Token"). `offline_token=true` asks for a refresh token too. */
export const getToken: Endpoint = async (deps, _, { query, headers, address }) => {
  checkService(deps, query.get('service'));
  const credentials = parseCredentials(headers);
  const caller = credentials === undefined ? anonymous : await deps.callers.find(credentials, address);
  const isOffline = query.get('offline_token') === 'true';
  return json(200, await grant(deps, caller, { scopes: parseScopes(query.getAll('scope')), isOffline, address }), {
    'Cache-Control': 'no-store',
  });
};
