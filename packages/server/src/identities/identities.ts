import {
  type AccessOptions,
  type MetadataStore,
  type RepositoryCreation,
  repositoryRoles,
  visibleByRoles,
} from '@moorage/registry';
import type { Accounts } from '../accounts/accounts.ts';
import { isGrantCredential } from './grants.ts';
import { type Htpasswd, isHtpasswdCredential } from './htpasswd.ts';
import type { Oidc } from './oidc.ts';

/** What a registry's access takes from here. */
export type IdentityAccess = Pick<
  Exclude<AccessOptions, 'open'>,
  'authenticate' | 'identify' | 'authorize' | 'visible'
>;

/** What is joined. */
export interface IdentityParts {
  readonly accounts: Pick<Accounts, 'users' | 'authenticate' | 'identify'>;
  readonly htpasswd: Htpasswd | undefined;
  readonly oidc: Oidc | undefined;
  readonly metadata: Pick<MetadataStore, 'findRoles' | 'listVisible'>;
  readonly creation: RepositoryCreation;
}

/** Identities of the accounts and beside them those from outside. A name belongs to the accounts first, then to the htpasswd file, then to people of an issuer; what was given to the one is
 *  never good for the other, since tokens carry by what their bearer was known. Workloads have ids that nobody else can have. */
export function joinIdentities({ accounts, htpasswd, oidc, metadata, creation }: IdentityParts): IdentityAccess {
  const isAccount = (name: string) => accounts.users.find(name) !== undefined;
  const options: IdentityAccess = {
    async authenticate(credentials, from) {
      const secret = 'token' in credentials ? credentials.token : credentials.password;
      if (oidc?.isOurs(secret) === true) return oidc.authenticate(secret, from);
      if ('token' in credentials) return undefined;
      // The accounts and the file are both asked before anybody is refused, so that the time does not tell which of them knows a name.
      if (isAccount(credentials.username)) {
        return (
          (await accounts.authenticate(credentials)) ?? (await htpasswd?.authenticate(credentials, { isHidden: true }))
        );
      }
      return (await htpasswd?.authenticate(credentials)) ?? (await accounts.authenticate(credentials));
    },
    async identify(id, credential) {
      if (credential !== undefined && isGrantCredential(credential)) return oidc?.identifyGrant(id, credential);
      if (isAccount(id)) return credential === undefined ? accounts.identify(id) : undefined;
      if (credential !== undefined && isHtpasswdCredential(credential)) return htpasswd?.identify(id, credential);
      return (await htpasswd?.has(id)) === true ? undefined : oidc?.identifyPerson(id);
    },
  };
  if (oidc === undefined) return options;

  const byRoles = repositoryRoles(metadata, { creation });
  const visibleTo = visibleByRoles(metadata);
  return {
    ...options,
    authorize: (request) => oidc.decide(request) ?? byRoles(request),
    visible: async (request) => (await oidc.findVisible(request)) ?? visibleTo(request),
  };
}
