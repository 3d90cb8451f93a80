import type { AuthorizeRequest, Identity, MetadataStore, Refusal, VisibleRequest } from '@moorage/registry';
import { claimsMatch } from './claims.ts';
import { fingerprint } from './fingerprint.ts';
import type { VerifiedToken } from './issuer.ts';
import type { OidcIssuer, WorkloadRule } from './oidc-settings.ts';

/** What a workload may do, and until when. */
interface Grant {
  readonly rule: WorkloadRule;
  readonly expiresMs: number;
}

/** What rules grant to workloads. Nothing is kept: a bearer token of the registry, which nobody can forge, carries as its credential which rule it was made by and until when it counts. A rule
 *  that was changed or removed has another fingerprint, or none, and what was granted by it ends at the next request, after a restart, too. */
export interface Grants {
  /** The identity of a token by the first rule that matches; undefined: none does. It may have expired already. */
  findIdentity(token: VerifiedToken): { readonly identity: Identity; readonly expiresMs: number } | undefined;
  /** The identity again; undefined: the grant has expired, or its rule is not there any more. */
  identify(id: string, credential: string): Identity | undefined;
  /** The decision about an identity with a grant, which is the grant's alone; undefined: it has none, and others decide. */
  decide(request: AuthorizeRequest): boolean | Refusal | undefined;
  /** What an identity with a grant sees in the catalog; undefined: it has none. */
  findVisible(request: VisibleRequest): Promise<readonly string[]> | undefined;
}

const prefix = 'oidc.';

/** Whether a credential is one of a grant. */
export function isGrantCredential(credential: string): boolean {
  return credential.startsWith(prefix);
}

export function createGrants(
  issuers: readonly OidcIssuer[],
  { metadata, now }: { readonly metadata: Pick<MetadataStore, 'listRepositories'>; now(): number },
): Grants {
  const rules = new Map(
    issuers.flatMap((issuer) => issuer.rules.map((rule) => [fingerprintOf(issuer, rule), rule] as const)),
  );
  const issuersByUrl = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));

  function find(credential: string | undefined): Grant | undefined {
    const [, fingerprint = '', expires = ''] = /^oidc\.([\w-]{22})\.(\d{1,16})$/.exec(credential ?? '') ?? [];
    const rule = rules.get(fingerprint);
    const expiresMs = Number(expires);
    return rule === undefined || expiresMs <= now() ? undefined : { rule, expiresMs };
  }

  return {
    findIdentity(token) {
      const issuer = issuersByUrl.get(token.iss);
      const rule = issuer?.rules.find(({ claims }) => claimsMatch(claims, token));
      if (issuer === undefined || rule === undefined) return undefined;
      // From its issue, and not from now: shown again, a token grants no longer.
      const expiresMs = Math.floor(Math.min(token.exp, token.iat + rule.ttlSeconds) * 1000);
      const id = rule.as === undefined ? subjectIdOf(token) : `oidc:${rule.as}`;
      const credential = `${prefix}${fingerprintOf(issuer, rule)}.${Math.max(0, expiresMs)}`;
      return { identity: { id, credential }, expiresMs };
    },
    identify: (id, credential) => (find(credential) === undefined ? undefined : { id, credential }),
    decide({ identity, action, name }) {
      if (identity?.credential === undefined || !isGrantCredential(identity.credential)) return undefined;
      const grant = find(identity.credential);
      if (grant === undefined) return false;
      const { repositories, actions } = grant.rule;
      if (actions.some((one) => one === action) && repositories.some((one) => patternMeans(one, name))) return true;
      // Of what may not be pulled nothing is told, not even that it is there.
      if (action === 'pull') return false;
      return {
        refuse: `${identity.id} may not ${action} in ${name}: its rule grants ${actions.join(', ')} in ${repositories.join(', ')} and nothing else.`,
      };
    },
    findVisible({ identity, after, limit }) {
      if (identity?.credential === undefined || !isGrantCredential(identity.credential)) return undefined;
      const rule = find(identity.credential)?.rule;
      const patterns = rule?.actions.includes('pull') === true ? rule.repositories : [];
      return listNames(metadata, patterns, { after, limit });
    },
  };
}

/** Who a token is of, where nothing else names them. Two issuers on one host are told apart by their paths. */
export function subjectIdOf({ iss, sub }: VerifiedToken): string {
  const { host, pathname } = new URL(iss);
  return `oidc:${host}${pathname.replace(/\/$/, '')}:${sub}`;
}

/** Changes with everything that a rule says, and whose tokens it is for. */
function fingerprintOf({ issuer, audience }: OidcIssuer, rule: WorkloadRule): string {
  const { claims, repositories, actions, ttlSeconds, as } = rule;
  const sorted = Object.entries(claims).sort(([one], [other]) => (one < other ? -1 : 1));
  const text = JSON.stringify([issuer, audience, sorted, repositories, actions, ttlSeconds, as ?? null]);
  return fingerprint(text);
}

function patternMeans(pattern: string, name: string): boolean {
  return pattern.endsWith('/*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

/** A page of the names that the patterns mean, in byte order; a name alone is told whether it is there or not. */
async function listNames(
  metadata: Pick<MetadataStore, 'listRepositories'>,
  patterns: readonly string[],
  { after, limit }: Pick<VisibleRequest, 'after' | 'limit'>,
): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const pattern of patterns) {
    if (!pattern.endsWith('/*')) {
      if (after === undefined || pattern > after) found.add(pattern);
      continue;
    }
    // No name ends in a slash: all below the namespace come after this, and one after the other.
    const start = pattern.slice(0, -1);
    const page = await metadata.listRepositories({
      after: after === undefined || after < start ? start : after,
      limit,
    });
    for (const { name } of page) if (name.startsWith(start)) found.add(name);
  }
  return [...found].sort().slice(0, limit);
}
