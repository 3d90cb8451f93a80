import { TokenRefusal, type VerifiedToken } from './issuer.ts';
import type { PeopleSetting } from './oidc-settings.ts';

/** Groups of one person that are looked at. */
const maximumGroups = 200;

/** What a token says of somebody: the name that they have here, and their groups. Throws a `TokenRefusal` where the settings do not let them in. */
export function readPerson(
  token: VerifiedToken,
  { clientId, nameClaim, groupsClaim, domain }: PeopleSetting,
): { readonly name: string; readonly groups: readonly string[] } {
  // One that was made for several, on behalf of another program, is no login here (OpenID Connect Core 1.0, section 3.1.3.7).
  if (Array.isArray(token.aud) && token.aud.length > 1 && token['azp'] !== clientId) {
    throw new TokenRefusal('it was made for several programs, and by another one than that of this registry (azp)');
  }
  if (nameClaim === 'email' || domain !== undefined) checkAddress(token, domain);
  const name = token[nameClaim];
  // Rights name groups by `@`, robots by `robot+` and workloads by `oidc:`.
  const isName = typeof name === 'string' && /^[\w|][\w.@+|-]{0,127}$/.test(name) && !name.startsWith('robot+');
  if (!isName) {
    throw new TokenRefusal(
      `its ${nameClaim} cannot be a name here, which is up to 128 letters, digits and . _ @ + - |, beginning with a letter, digit or _`,
    );
  }
  const groups = groupsClaim === undefined ? [] : token[groupsClaim];
  const texts = Array.isArray(groups) ? groups.filter((group) => typeof group === 'string' && isGroup(group)) : [];
  return { name, groups: [...new Set<string>(texts)].slice(0, maximumGroups) };
}

/** An address that somebody merely typed into a profile is not theirs. */
function checkAddress(token: VerifiedToken, domain: string | undefined): void {
  const email = token['email'];
  if (typeof email !== 'string' || token['email_verified'] !== true) {
    throw new TokenRefusal('it has no email that the issuer verified (email_verified)');
  }
  if (domain !== undefined && email.slice(email.lastIndexOf('@') + 1).toLowerCase() !== domain) {
    throw new TokenRefusal(`its email is not in the domain ${domain}`);
  }
}

function isGroup(text: string): boolean {
  return text.length >= 1 && text.length <= 128 && !/[\s\p{C}]/u.test(text);
}
