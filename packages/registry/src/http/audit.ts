import type { Caller } from '../access/identity.ts';
import { HiddenError } from '../access/permit.ts';
import { UnauthorizedError } from '../access/unauthorized.ts';
import type { OciError } from '../oci/error.ts';
import type { RepositoryName } from '../oci/name.ts';
import type { AuditEntry } from '../storage/access-records.ts';
import type { Match } from './match.ts';

/** How a request ended. */
export interface Ending {
  /** Undefined: no endpoint was found. */
  readonly match: Match | undefined;
  /** Undefined: it is not known who it was. */
  readonly caller: Caller | undefined;
  readonly address: string | undefined;
  /** Undefined: it was answered. */
  readonly refusal: OciError | undefined;
}

/** Characters of what a line is about: what came from a stranger must not fill the disk. */
const maximumAbout = 256;

/** The line of the audit that a request deserves: a push, a delete, a login that failed, a right that somebody known lacked. A challenge deserves none: every client begins with one. */
export function auditEntry({ match, caller, address, refusal }: Ending): Omit<AuditEntry, 'atMs'> | undefined {
  const who = { identity: caller?.identity?.id, address };
  if (refusal instanceof UnauthorizedError && refusal.username !== undefined) {
    return {
      ...who,
      act: 'login',
      isAllowed: false,
      repository: undefined,
      about: refusal.username.slice(0, maximumAbout),
    };
  }
  if (match === undefined) return undefined;
  const { route, params } = match;
  const what = {
    act: route.audit ?? route.action,
    about: params.reference === '' ? undefined : params.reference.slice(0, maximumAbout),
  };
  if (refusal === undefined) {
    return route.audit === undefined
      ? undefined
      : { ...who, ...what, isAllowed: true, repository: toName(params.name) };
  }
  const isTooNarrow = refusal instanceof UnauthorizedError && refusal.isInsufficient;
  const isRefusal = refusal.code === 'DENIED' || refusal instanceof HiddenError || isTooNarrow;
  if (!isRefusal || caller?.identity === undefined) return undefined;
  return { ...who, ...what, isAllowed: false, repository: toName(params.name) };
}

/** A name that was parsed on the way to where the request ended. */
function toName(name: string): RepositoryName | undefined {
  return name === '' ? undefined : (name as RepositoryName);
}
