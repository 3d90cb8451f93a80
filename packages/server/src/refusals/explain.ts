import type { RepositoryName } from '@moorage/registry';
import type { Data } from '../commands/open-data.ts';
import type { Refusal } from './refusal.ts';

/** Why a request was refused, and what would allow it: commands and settings, a line each. */
export interface Explanation {
  readonly who: string;
  readonly rule: string;
  readonly allow: readonly string[];
}

type Wanted = { readonly action: 'pull' | 'push' | 'delete'; readonly name: RepositoryName };
type Known = Pick<Data, 'accounts' | 'metadata' | 'parseName' | 'tokens'>;

/** Explains a refusal by the rules, rights and users as they are now. */
export async function explain(refusal: Refusal, data: Known): Promise<Explanation> {
  const who = whoOf(refusal, data);
  const { status, code, message, target } = refusal;
  if (refusal.failedName !== undefined) return { who, ...explainLogin(refusal.failedName, data) };
  if (status === 429) return { who, ...tooMany(message) };
  if (status === 413 && code === 'DENIED') {
    return {
      who,
      rule: 'uploads.reserveBytes: less is free on the disk of the blobs than is to be kept free.',
      allow: ['make room on the disk', 'or start the server with a smaller --uploads-reserve-bytes'],
    };
  }
  const wanted = wantedOf(refusal, data);
  if (wanted !== undefined && code === 'UNAUTHORIZED') {
    return {
      who,
      rule: `The bearer token does not reach so far: its scopes were ${quoted(message)}`,
      allow: [
        `a token for the scope repository:${wanted.name}:${wanted.action === 'push' ? 'pull,push' : wanted.action}, which clients ask for by themselves: log in again, and see below whether it is given`,
        ...(await explainRight(refusal, wanted, data)).allow,
      ],
    };
  }
  const isOfRights = code === 'DENIED' || code === 'NAME_UNKNOWN';
  if (wanted !== undefined && isOfRights) return { who, ...(await explainRight(refusal, wanted, data)) };
  const where = target.startsWith('/v2/token') ? ['docs/access.md has how tokens are asked for'] : [];
  return { who, rule: `None of access: ${message}`, allow: [...where, 'docs/errors.md lists every code'] };
}

function whoOf({ identity, failedName, address }: Refusal, { accounts }: Known): string {
  const from = address === undefined ? '' : `, from ${address}`;
  if (failedName !== undefined) return `somebody who showed the name ${failedName}${from}`;
  if (identity === undefined) return `nobody who was logged in${from}`;
  const user = accounts.users.find(identity);
  const groups =
    user === undefined || user.groups.length === 0 ? '' : ` of ${user.groups.map((group) => `@${group}`).join(', ')}`;
  return `${identity}${groups}${from}`;
}

function explainLogin(name: string, { accounts }: Known): Omit<Explanation, 'who'> {
  const user = accounts.users.find(name);
  if (user?.isDisabled === true) {
    return { rule: `The user ${name} is disabled.`, allow: [`moorage user enable ${name}`] };
  }
  if (user !== undefined) {
    return {
      rule: `The password, or the access token in its place, is not one of ${name} now: wrong, revoked or past its time.`,
      allow: [`moorage user password ${name} --password-stdin`, 'moorage token list'],
    };
  }
  if (name.startsWith('robot+')) {
    return {
      rule: `The secret is not one of ${name} now.`,
      allow: ['moorage robot list', 'moorage robot create NAME'],
    };
  }
  return {
    rule: `There is no user ${name} among the accounts; of htpasswd files and issuers the log tells more.`,
    allow: [`moorage user add ${typed(name)} --password-stdin`],
  };
}

function tooMany(message: string): Omit<Explanation, 'who'> {
  if (/failed|login/i.test(message)) {
    return {
      rule: 'Ten failed logins in a minute for a user from one address, or a hundred from one address.',
      allow: [
        'wait for a minute; a program with an old password must be given the new one',
        'behind a proxy: --trusted-proxies',
      ],
    };
  }
  return {
    rule: 'A rate of the settings: rateLimits.address, rateLimits.identity or rateLimits.endpoints.',
    allow: ['wait for as long as Retry-After said', 'or start the server with a higher rate: docs/rate-limits.md'],
  };
}

async function explainRight(
  { identity }: Refusal,
  wanted: Wanted,
  { accounts, metadata, tokens }: Known,
): Promise<Omit<Explanation, 'who'>> {
  const { action, name } = wanted;
  const repository = await metadata.findRepository(name);
  const makePublic = `moorage repo set ${name} --visibility public`;
  if (identity === undefined && repository === undefined) {
    return {
      rule: `There is no repository ${name}, and nobody was logged in.`,
      allow: [`push to ${name} first, or mend the name`, 'where logins are asked for: moorage login HOST'],
    };
  }
  if (identity === undefined) {
    return {
      rule: `Nobody was logged in, and ${name} is ${repository?.visibility}.`,
      allow: ['log in: moorage login HOST', ...(action === 'pull' ? [makePublic] : [])],
    };
  }
  if (identity.startsWith('robot+')) {
    const list = (await tokens.list('robot')).find((robot) => robot.identity === identity);
    const reach = list === undefined ? 'is gone' : `is ${list.actions.join(',')} on ${list.pattern ?? '*'}`;
    const robot = typed(identity.slice('robot+'.length));
    const create = `moorage robot create ${robot} --repository ${name} --actions ${action === 'push' ? 'pull,push' : action}`;
    return {
      rule: `A robot may do what its list says, and the list of ${identity} ${reach}.`,
      allow: [`moorage robot remove ${robot}`, create],
    };
  }
  const groups = accounts.users.find(identity)?.groups ?? [];
  const subjects = [identity, ...groups.map((group) => `@${group}`)];
  const roles = await metadata.findRoles(name, subjects);
  const needed = action === 'pull' ? 'reader' : 'contributor';
  const isAllowed =
    accounts.users.find(identity)?.isAdmin === true || roles.some((role) => role !== 'reader' || action === 'pull');
  if (isAllowed) {
    const rule = `${identity} has the right to ${action} now: it came after the request, or an access token was shown whose list is narrower.`;
    return { rule, allow: ['try again', 'moorage token list'] };
  }
  const isOutside = accounts.users.find(identity) === undefined;
  const grant = `moorage repo grant ${name} ${typed(identity)} --role ${needed}${isOutside ? ' --outside' : ''}`;
  if (repository === undefined) {
    return {
      rule: `There is no repository ${name}${action === 'pull' ? '' : ', and repositories.creation does not let them make it'}.`,
      allow: [action === 'pull' ? `push to ${name} first, or mend the name` : grant],
    };
  }
  const has = roles.length === 0 ? 'no role' : `the role ${[...new Set(roles)].join(', ')}`;
  return {
    rule: `${name} is ${repository.visibility}; ${subjects.join(', ')} has ${has} on it or a namespace above it, and to ${action} wants ${needed} or more.`,
    allow: [grant, ...(action === 'pull' ? [makePublic] : [])],
  };
}

/** What a request wanted of which repository; undefined: nothing that a right is for. */
function wantedOf({ method, target }: Refusal, { parseName }: Known): Wanted | undefined {
  const [, name, isUpload] =
    /^\/v2\/([^?]+)\/(?:blobs(\/uploads)?|manifests|tags|referrers)(?:\/|\?|$)/.exec(target) ?? [];
  if (name === undefined) return undefined;
  const reads = method === 'GET' || method === 'HEAD';
  const action = isUpload ? 'push' : reads ? 'pull' : method === 'DELETE' ? 'delete' : 'push';
  try {
    return { action, name: parseName(name) };
  } catch {
    return undefined; // what was asked for is no name
  }
}

/** A name as it may be typed into a shell; what a stranger sent could be a command. */
function typed(name: string): string {
  return /^\w[\w.@+-]*$/.test(name) ? name : 'NAME';
}

function quoted(message: string): string {
  return `too few. The client was told: ${message}`;
}
