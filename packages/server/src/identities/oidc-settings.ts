import { OciError, parseNamePattern, type ScopeAction } from '@moorage/registry';
import { z } from 'zod';
import { isAccountName } from '../accounts/names.ts';
import { ExitError } from '../exit-error.ts';
import { nearest } from '../nearest.ts';
import { isSafeUrl } from './bounded-fetch.ts';
import type { ClaimPatterns } from './claims.ts';

/** What a workload gets whose claims match. */
export interface WorkloadRule {
  readonly claims: ClaimPatterns;
  /** Names, or namespaces such as `acme/*`. */
  readonly repositories: readonly string[];
  readonly actions: readonly ScopeAction[];
  /** From when its token was issued. */
  readonly ttlSeconds: number;
  /** What its identity is called after `oidc:`; undefined: by issuer and subject. */
  readonly as: string | undefined;
}

/** How people of an issuer log in, and what they are called here. */
export interface PeopleSetting {
  readonly clientId: string;
  readonly nameClaim: 'preferred_username' | 'email' | 'sub';
  readonly groupsClaim: string | undefined;
  /** Only people whose verified address is in this domain. */
  readonly domain: string | undefined;
  /** How long a login counts, in the registry's tokens too. */
  readonly ttlSeconds: number;
}

/** An issuer whose tokens are taken. */
export interface OidcIssuer {
  readonly issuer: string;
  /** Audience of the tokens of workloads; undefined: there are no rules. */
  readonly audience: string | undefined;
  readonly rules: readonly WorkloadRule[];
  readonly people: PeopleSetting | undefined;
}

const textSchema = z.string({ error: 'must be text' }).min(1, 'must not be empty');
/** Claims that say nothing of whose token it is: they are checked in any case. */
const ofEveryToken = ['iss', 'aud', 'exp', 'iat', 'nbf'];

const patternSchema = z.string({ error: 'must be text, such as acme/web or acme/*' }).refine(isNamePattern, {
  error: 'must be the name of a repository, or of a namespace with /* at its end',
});

const claimsSchema = z
  .record(z.string(), textSchema, { error: 'must name claims, such as repository: acme/web' })
  .refine(
    (claims) => Object.entries(claims).some(([name, text]) => !ofEveryToken.includes(name) && !/^\*+$/.test(text)),
    `must want more than * of a claim beside ${ofEveryToken.join(', ')}: else every token would do`,
  );

const seconds = (minimum: number, maximum: number) => {
  const error = `must be a whole number of seconds from ${minimum} to ${maximum}`;
  return z.int({ error }).min(minimum, error).max(maximum, error);
};

const ruleSchema = z.strictObject({
  claims: claimsSchema,
  repositories: z.array(patternSchema, { error: 'must be a list of repositories' }).min(1, 'must not be empty'),
  actions: z
    .array(z.enum(['pull', 'push', 'delete'], { error: 'must be pull, push or delete' }), {
      error: 'must be a list of pull, push and delete',
    })
    .min(1, 'must not be empty'),
  ttlSeconds: seconds(60, 86_400).default(600),
  as: z
    .string({ error: 'must be text' })
    .refine(isAccountName, 'must be lower-case letters, digits, dots, underscores and hyphens')
    .optional(),
});

const peopleSchema = z.strictObject({
  clientId: textSchema,
  nameClaim: z.enum(['preferred_username', 'email', 'sub'], { error: 'must be preferred_username, email or sub' }),
  groupsClaim: textSchema.optional(),
  domain: z
    .string({ error: 'must be text' })
    .regex(/^[a-z0-9.-]+\.[a-z0-9-]+$/, 'must be a domain in lower case, such as example.com')
    .optional(),
  ttlSeconds: seconds(300, 90 * 86_400).default(7 * 86_400),
});

const issuerSchema = z.strictObject({
  issuer: z
    .string({ error: 'must be the https URL that stands in the tokens as iss' })
    .refine(isIssuer, 'must be an https URL without a query (http is for the loopback alone)'),
  audience: textSchema.optional(),
  rules: z.array(ruleSchema, { error: 'must be a list of rules' }).min(1, 'must not be empty').optional(),
  people: peopleSchema.optional(),
});

const keysOf: Readonly<Record<string, readonly string[]>> = {
  rules: Object.keys(ruleSchema.shape),
  people: Object.keys(peopleSchema.shape),
  oidc: Object.keys(issuerSchema.shape),
};

/** The setting `oidc`; else an `ExitError` with one sentence for each thing that is wrong, which says where it stands. */
export function readOidc(setting: readonly unknown[]): readonly OidcIssuer[] {
  const result = z.array(issuerSchema).safeParse(setting);
  if (!result.success) throw new ExitError(result.error.issues.flatMap(sentencesOf).join('\n'));
  const issuers = result.data.map(
    ({ issuer, audience, rules = [], people }): OidcIssuer => ({
      issuer,
      audience,
      rules: rules.map((rule) => ({ ...rule, as: rule.as })),
      people: people && { ...people, groupsClaim: people.groupsClaim, domain: people.domain },
    }),
  );
  const wrong = issuers.flatMap(contradictionsOf);
  if (new Set(issuers.map(({ issuer }) => issuer)).size < issuers.length) {
    wrong.push('An issuer stands twice in oidc: join its rules in one entry.');
  }
  if (issuers.filter(({ people }) => people !== undefined).length > 1) {
    wrong.push('Two issuers of oidc have people: their names would mix, so keep one.');
  }
  if (wrong.length > 0) throw new ExitError(wrong.join('\n'));
  return issuers;
}

function contradictionsOf({ audience, rules, people }: OidcIssuer, index: number): readonly string[] {
  const where = `oidc[${index}]`;
  if (rules.length === 0 && people === undefined) {
    return [`${where} has neither rules, for workloads, nor people: say what its tokens are good for.`];
  }
  if (rules.length > 0 && audience === undefined) {
    return [`${where}.audience is missing: without it tokens that were made for others would do.`];
  }
  if (rules.length === 0 && audience !== undefined) return [`${where}.rules is missing: an audience is for rules.`];
  if (audience !== undefined && audience === people?.clientId) {
    return [`${where}.audience is the client id of people: choose another one, so that nobody passes for a workload.`];
  }
  return [];
}

function sentencesOf(issue: z.core.$ZodIssue): readonly string[] {
  const where = `oidc${issue.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')}`;
  if (issue.code === 'unrecognized_keys') {
    const kind = issue.path.filter((part) => typeof part === 'string').at(-1) ?? 'oidc';
    const known = keysOf[String(kind)] ?? [];
    return issue.keys.map((key) => `There is no setting ${where}.${key}: the nearest is ${nearest(key, known)}.`);
  }
  return [`${where} ${issue.message}.`];
}

function isNamePattern(text: string): boolean {
  try {
    parseNamePattern(text);
    return true;
  } catch (error) {
    if (error instanceof OciError) return false;
    throw error;
  }
}

function isIssuer(text: string): boolean {
  return isSafeUrl(text) && !/[?#\s]/.test(text);
}
