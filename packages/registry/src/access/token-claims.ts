import type { JWTPayload } from 'jose';
import { OciError } from '../oci/error.ts';
import { parseRepositoryName } from '../oci/name.ts';
import { parseActions, type RepositoryScope } from './scope.ts';

/** Clocks may differ by so much, in seconds. */
export const leewaySeconds = 60;

/** Who a token speaks for, and how far it reaches: a token never widens what its identity may do. */
export interface TokenClaims {
  /** Undefined: nobody, as for public pulls. */
  readonly identity: string | undefined;
  /** Repositories and actions that were granted when it was made; a refused one has no actions. */
  readonly scopes: readonly RepositoryScope[];
  /** Whether it is good for the catalog (`registry:catalog:*`), too. Default: no. */
  readonly reachesCatalog?: boolean | undefined;
  /** The access token or robot that it was made for: when that is revoked, so is this. */
  readonly accessToken: string | undefined;
  /** What the application was shown, such as an API key, by an id of its own. */
  readonly credential?: string | undefined;
}

/** What a token says that was verified. */
export interface VerifiedClaims extends TokenClaims {
  /** When it was made, to the second; undefined: it does not say. */
  readonly issuedMs: number | undefined;
}

/** When a token was made, in ms since 1970. */
export function readIssued({ iat }: JWTPayload): number | undefined {
  return iat === undefined ? undefined : iat * 1000;
}

/** When a token is good, in ms since 1970, with the leeway. */
export function readTimes({ nbf = 0, exp = 0 }: JWTPayload): { readonly fromMs: number; readonly untilMs: number } {
  return { fromMs: (nbf - leewaySeconds) * 1000, untilMs: (exp + leewaySeconds) * 1000 };
}

/** True where the `access` claim of a token names the catalog. */
export function readCatalog(access: unknown): true | undefined {
  const isNamed = ({ type, name, actions }: Record<string, unknown>) =>
    type === 'registry' && name === 'catalog' && Array.isArray(actions) && actions.includes('*');
  return Array.isArray(access) && access.some((entry) => isNamed(Object(entry))) ? true : undefined;
}

/** The `access` claim of a token whose signature was verified. An entry that is of another kind, or that cannot be read, narrows to nothing. */
export function readScopes(access: unknown): readonly RepositoryScope[] {
  return Array.isArray(access) ? access.flatMap(readScope) : [];
}

function readScope(entry: unknown): readonly RepositoryScope[] {
  if (typeof entry !== 'object' || entry === null) return [];
  if (!('type' in entry && 'name' in entry && 'actions' in entry)) return [];
  const { type, name, actions } = entry;
  if (type !== 'repository' || typeof name !== 'string' || !Array.isArray(actions)) return [];
  try {
    return [{ type, name: parseRepositoryName(name), actions: parseActions(actions) }];
  } catch (error) {
    // A name that no repository here can have.
    if (error instanceof OciError) return [];
    throw error;
  }
}
