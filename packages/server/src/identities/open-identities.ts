import { resolve } from 'node:path';
import type { MetadataStore } from '@moorage/registry';
import type { Logger } from 'pino';
import type { Accounts } from '../accounts/accounts.ts';
import { ExitError } from '../exit-error.ts';
import type { Settings } from '../settings.ts';
import type { IdentityAccess } from './identities.ts';
import type { LoginDocument } from './login-document.ts';

/** Identities from outside, beside the accounts. */
export interface OutsideIdentities {
  readonly access: IdentityAccess;
  /** What clients may know of logging in; undefined: no people log in at an issuer. */
  readonly loginDocument: LoginDocument | undefined;
  /** Reads the htpasswd file; rejects with an `ExitError` that says what to do. The accounts must be there. */
  ready(): Promise<void>;
}

/** What they stand on. */
export interface OutsideNeeds {
  readonly settings: Pick<Settings, 'htpasswd' | 'oidc' | 'open' | 'tokenServer.realm' | 'repositories.creation'>;
  /** Directory that relative paths start from. */
  readonly directory: string;
  readonly accounts: Accounts | undefined;
  readonly metadata: MetadataStore;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** For tests. */
  readonly now?: () => number;
  /** For tests: see `IssuerOptions`. */
  readonly cooldownMs?: number;
}

/** The identities from outside that the settings name; undefined where they name none, and then nothing is loaded for them. Rejects with an `ExitError` where the settings contradict each other. */
export async function openIdentities(needs: OutsideNeeds): Promise<OutsideIdentities | undefined> {
  const { settings, directory, accounts, metadata, log, now, cooldownMs } = needs;
  const { htpasswd: path, oidc: setting } = settings;
  if (path === undefined && setting.length === 0) return undefined;
  const names = [...(path === undefined ? [] : ['htpasswd']), ...(setting.length === 0 ? [] : ['oidc'])].join(' and ');
  if (accounts === undefined) {
    throw new ExitError(`With open everyone may do everything and nobody logs in: take open away, or ${names}.`);
  }
  if (settings['tokenServer.realm'] !== undefined) {
    throw new ExitError(`With a token server outside nobody logs in here: take tokenServer away, or ${names}.`);
  }
  const [{ joinIdentities }, htpasswd, { readOidc }] = await Promise.all([
    import('./identities.ts'),
    path === undefined ? undefined : openHtpasswd({ path: resolve(directory, path), log, ...(now && { now }) }),
    import('./oidc-settings.ts'),
  ]);
  const issuers = readOidc(setting);
  const { users, people } = accounts;
  const isUser = async (name: string) => users.find(name) !== undefined || (await htpasswd?.has(name)) === true;
  const oidc =
    issuers.length === 0
      ? undefined
      : (await import('./oidc.ts')).createOidc({ issuers, metadata, people, isUser, now, cooldownMs });
  const ofPeople = issuers.find((issuer) => issuer.people !== undefined);
  return {
    access: joinIdentities({ accounts, htpasswd, oidc, metadata, creation: settings['repositories.creation'] }),
    loginDocument: ofPeople?.people && {
      issuer: ofPeople.issuer,
      clientId: ofPeople.people.clientId,
      scopes: ['openid', 'profile', 'email', ...(ofPeople.people.groupsClaim === 'groups' ? ['groups'] : [])],
    },
    async ready() {
      // The first start makes an administrator of this name.
      const isFirst = users.list().length === 0;
      const isTaken = (name: string) => users.find(name) !== undefined || (isFirst && name === 'admin');
      await htpasswd?.load((name) =>
        isTaken(name)
          ? `has the name ${name}, which is that of a user of the accounts: take the line away, or that user (moorage user remove ${name})`
          : undefined,
      );
    },
  };
}

async function openHtpasswd(needs: { path: string; log: Pick<Logger, 'info' | 'warn'>; now?: () => number }) {
  return (await import('./htpasswd.ts')).createHtpasswd(needs);
}
