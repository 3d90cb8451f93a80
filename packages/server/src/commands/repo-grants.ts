import process from 'node:process';
import type { GrantRecord, NamePattern } from '@moorage/registry';
import { ExitError } from '../exit-error.ts';
import type { Answer } from './data-command.ts';
import { getGroup, getUser } from './known.ts';
import type { Data } from './open-data.ts';

/** Rights on a repository or namespace, and those on the namespaces above it. */
export async function listRights(data: Data, pattern: NamePattern): Promise<readonly GrantRecord[]> {
  const grants = await Promise.all(
    withNamespaces(pattern).map((text) => data.metadata.listGrants(data.parsePattern(text))),
  );
  return grants.flat();
}

/** `a/b` as itself and `a/*`; `a/b/*` as itself and `a/*`. */
function withNamespaces(pattern: string): readonly string[] {
  const parts = pattern.replace(/\/\*$/, '').split('/');
  const above = parts.slice(0, -1).map((_, index) => `${parts.slice(0, index + 1).join('/')}/*`);
  return [pattern, ...above.reverse()];
}

/** `moorage repo grant` */
export async function grantRole(
  data: Data,
  typed: string,
  { subject, role, isOutside }: Pick<GrantRecord, 'subject' | 'role'> & { readonly isOutside: boolean },
): Promise<Answer> {
  const pattern = data.parsePattern(typed);
  if (isOutside) checkOutside(subject);
  else if (subject.startsWith('@')) getGroup(data, subject.slice(1));
  else getUser(data, subject);
  await data.metadata.putGrant({ pattern, subject, role });
  await record(data, 'grant', { pattern, about: `${subject} ${role}` });
  if (!pattern.endsWith('/*') && (await data.metadata.findRepository(data.parseName(typed))) === undefined) {
    process.stderr.write(`There is no repository ${pattern} yet: the right counts once it is there.\n`);
  }
  return { json: { pattern, subject, role }, lines: [`${subject} is ${role} of ${pattern}.`] };
}

/** Who comes from an htpasswd file or an issuer need not have come yet: nobody here knows the name, which must be one that somebody can have. */
function checkOutside(subject: string): void {
  const isGroup = /^@[^\s\p{C}]{1,128}$/u.test(subject);
  const isUser = /^[\w|][\w.@+|-]{0,254}$/.test(subject) && !subject.startsWith('robot+');
  if (isGroup || isUser) return;
  throw new ExitError(`${JSON.stringify(subject)} can be nobody: a name has letters, digits and . _ @ + - |.`);
}

/** `moorage repo revoke`: also from a subject that is not there any more. */
export async function revokeRole(data: Data, typed: string, subject: string): Promise<Answer> {
  const pattern = data.parsePattern(typed);
  const grants = await data.metadata.listGrants(pattern);
  const grant = grants.find((other) => other.subject === subject);
  if (grant === undefined || !(await data.metadata.removeGrant({ pattern, subject }))) {
    const others = grants.map((other) => `${other.subject} (${other.role})`).join(', ');
    throw new ExitError(`${subject} has no role on ${pattern}; those who have: ${others || 'nobody'}.`);
  }
  await record(data, 'revoke', { pattern, about: `${subject} ${grant.role}` });
  return { json: grant, lines: [`${subject} is not ${grant.role} of ${pattern} any more.`] };
}

/** A namespace is no repository: the audit has it among the words. */
function record(data: Data, act: string, { pattern, about }: { pattern: NamePattern; about: string }): Promise<void> {
  if (pattern.endsWith('/*')) return data.record(act, { about: `${about} on ${pattern}` });
  return data.record(act, { repository: data.parseName(pattern), about });
}
