import { type Identity, type MetadataStore, OciError } from '@moorage/registry';
import type { People } from '../accounts/people.ts';
import { createGrants, type Grants, subjectIdOf } from './grants.ts';
import { createIssuer, type Issuer, TokenRefusal, type VerifiedToken } from './issuer.ts';
import type { OidcIssuer } from './oidc-settings.ts';
import { createPersonLogins, type PersonLogins } from './person-logins.ts';

/** Identities by the tokens of OpenID Connect issuers. */
export interface Oidc extends Pick<Grants, 'decide' | 'findVisible'> {
  /** Whether the text is a token that says to be of one of the issuers: then nobody else need be asked about it. */
  isOurs(text: string): boolean;
  /** Whose token it is; undefined: it is none that the issuer signed. Rejects with an `OciError` that says why where the token is real and not good here. */
  authenticate(token: string, from: { readonly address: string | undefined }): Promise<Identity | undefined>;
  /** A workload again, by what its token was exchanged for. */
  identifyGrant: Grants['identify'];
  /** Somebody who logged in before; undefined: nobody of that name may do so any more. */
  identifyPerson: PersonLogins['identify'];
}

/** What identities are told with. */
export interface OidcNeeds {
  readonly issuers: readonly OidcIssuer[];
  readonly metadata: Pick<MetadataStore, 'listRepositories' | 'appendAudit'>;
  readonly people: People;
  /** Whether a name is that of a user who logs in with a password. */
  isUser(name: string): Promise<boolean>;
  now?: (() => number) | undefined;
  /** See `IssuerOptions`. */
  readonly cooldownMs?: number | undefined;
}

/** An issuer and who its tokens are for. */
interface Entry {
  readonly setting: OidcIssuer;
  readonly issuer: Issuer;
  readonly audiences: readonly string[];
  readonly people: PersonLogins | undefined;
}

/** Tokens are a few KiB long at the most. */
const maximumTokenLength = 16 * 1024;

/** Characters of what a line of the audit is about. */
const maximumAbout = 256;

/** Lines of refused tokens in a minute: of a public issuer every stranger has real tokens, which must not fill the disk. */
const maximumLines = 60;

export function createOidc({ issuers, metadata, people, isUser, now = Date.now, cooldownMs }: OidcNeeds): Oidc {
  const grants = createGrants(issuers, { metadata, now });
  const entries = issuers.map((setting): Entry => {
    const { issuer, audience, people: ofPeople } = setting;
    return {
      setting,
      issuer: createIssuer(issuer, { now, cooldownMs }),
      audiences: [audience, ofPeople?.clientId].filter((one) => one !== undefined),
      people: ofPeople && createPersonLogins({ issuer, setting: ofPeople, people, isUser, now }),
    };
  });
  const byIssuer = new Map(entries.map((entry) => [entry.setting.issuer, entry]));
  const recordRefusal = createRefusalRecorder({ metadata, now });
  const peopleEntry = entries.find((entry) => entry.people !== undefined);

  function findEntry(text: string): Entry | undefined {
    const claimed = text.length > maximumTokenLength ? undefined : claimedIssuer(text);
    return claimed === undefined ? undefined : byIssuer.get(claimed);
  }

  async function identityOf(token: VerifiedToken, entry: Entry): Promise<Identity> {
    const { audience } = entry.setting;
    const isWorkload = audience !== undefined && [token.aud].flat().includes(audience);
    if (!isWorkload && entry.people !== undefined) return entry.people.login(token);
    const found = grants.findIdentity(token);
    if (found === undefined) throw new TokenRefusal(`no rule of this registry is for it: ${tellClaims(token, entry)}`);
    if (found.expiresMs > now()) return found.identity;
    throw new TokenRefusal('the time of its rule (ttlSeconds) is over, so get a new one right before it is used');
  }

  return {
    isOurs: (text) => findEntry(text) !== undefined,
    async authenticate(text, { address }) {
      const entry = findEntry(text);
      if (entry === undefined) return undefined;
      let token: VerifiedToken | undefined;
      try {
        token = await entry.issuer.verify(text, entry.audiences);
        return token === undefined ? undefined : await identityOf(token, entry);
      } catch (error) {
        if (!(error instanceof TokenRefusal)) throw error;
        const { issuer } = entry.setting;
        await recordRefusal(
          `${token === undefined ? `token of ${issuer}` : subjectIdOf(token)}: ${error.message}`,
          address,
        );
        throw new OciError('UNAUTHORIZED', `The token of ${issuer} is not good here: ${error.message}.`);
      }
    },
    identifyGrant: grants.identify,
    identifyPerson: (name) => peopleEntry?.people?.identify(name),
    decide: grants.decide,
    findVisible: grants.findVisible,
  };
}

/** Writes refused tokens into the audit, as far as there are not too many of them. */
function createRefusalRecorder({ metadata, now }: { metadata: Pick<MetadataStore, 'appendAudit'>; now(): number }) {
  let minute = { sinceMs: Number.NEGATIVE_INFINITY, lines: 0 };
  return async (about: string, address: string | undefined): Promise<void> => {
    const atMs = now();
    if (Math.abs(atMs - minute.sinceMs) >= 60_000) minute = { sinceMs: atMs, lines: 0 };
    minute.lines += 1;
    if (minute.lines > maximumLines) return;
    const what = { identity: undefined, address, act: 'login', isAllowed: false, repository: undefined };
    await metadata.appendAudit({ entries: [{ ...what, atMs, about: about.slice(0, maximumAbout) }] });
  };
}

/** The issuer that a token says to be of, before anything of it is believed. */
function claimedIssuer(text: string): string | undefined {
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(text) ?? [];
  if (payload === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    const issuer = typeof claims === 'object' && claims !== null && 'iss' in claims ? claims.iss : undefined;
    return typeof issuer === 'string' ? issuer : undefined;
  } catch {
    return undefined; // no JSON: a password that merely looks like a token
  }
}

/** What the token says of the claims that the rules of its issuer look at: whoever has it can read it, and whoever wrote the rules sees what is wrong. */
function tellClaims(token: VerifiedToken, { setting: { rules } }: Entry): string {
  const names = [...new Set(['sub', ...rules.flatMap(({ claims }) => Object.keys(claims))])];
  return names.map((name) => `${name} is ${(JSON.stringify(token[name]) ?? 'missing').slice(0, 200)}`).join(', ');
}
