import type { Identity } from '@moorage/registry';
import type { People, Person } from '../accounts/people.ts';
import { fingerprint } from './fingerprint.ts';
import { TokenRefusal, type VerifiedToken } from './issuer.ts';
import type { PeopleSetting } from './oidc-settings.ts';
import { readPerson } from './person-claims.ts';

/** Logins of people at an issuer. */
export interface PersonLogins {
  /** Who shows the token, remembered under their name; `TokenRefusal` where the settings do not let them in, or where the name is somebody else's. */
  login(token: VerifiedToken): Promise<Identity>;
  /** Somebody who logged in before; undefined: too long ago, or under settings that have changed since. */
  identify(name: string): Identity | undefined;
}

/** What logins are remembered with. */
export interface PersonNeeds {
  readonly issuer: string;
  readonly setting: PeopleSetting;
  readonly people: People;
  /** Whether a name is that of a user who logs in with a password. */
  isUser(name: string): Promise<boolean>;
  now(): number;
}

/** A login that was seen so shortly before needs no row again: a client may show its token at each request. */
const sameLoginMs = 60_000;

export function createPersonLogins({ issuer, setting, people, isUser, now }: PersonNeeds): PersonLogins {
  const settings = fingerprintOf(setting);
  const identityOf = ({ name, groups, createdMs }: Person): Identity => ({ id: name, groups, sinceMs: createdMs });
  return {
    async login(token) {
      const { name, groups } = readPerson(token, setting);
      if (await isUser(name)) throw new TokenRefusal(`${name} is the name of another user of this registry`);
      const login = { name, issuer, subject: token.sub, groups, settings };
      const before = people.find(name);
      if (before !== undefined && now() - before.seenMs < sameLoginMs && isSame(before, login))
        return identityOf(before);
      const person = people.login(login) ? people.find(name) : undefined;
      if (person !== undefined) return identityOf(person);
      throw new TokenRefusal(
        `${name} is the name of somebody else here: an administrator may end that with moorage people remove ${name}`,
      );
    },
    identify(name) {
      const person = people.find(name);
      if (person === undefined || person.issuer !== issuer || person.settings !== settings) return undefined;
      return person.seenMs + setting.ttlSeconds * 1000 > now() ? identityOf(person) : undefined;
    },
  };
}

function isSame(person: Person, login: Omit<Person, 'createdMs' | 'seenMs'>): boolean {
  const textOf = ({ issuer, subject, groups, settings }: typeof login) =>
    JSON.stringify([issuer, subject, groups, settings]);
  return textOf(person) === textOf(login);
}

/** Changes with what decides who is let in, under which name. */
function fingerprintOf({ clientId, nameClaim, groupsClaim, domain }: PeopleSetting): string {
  const text = JSON.stringify([clientId, nameClaim, groupsClaim ?? null, domain ?? null]);
  return fingerprint(text);
}
