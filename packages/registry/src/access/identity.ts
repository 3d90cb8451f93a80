import type { RepositoryName } from '../oci/name.ts';
import type { AccessTokenRecord } from '../storage/access-records.ts';
import type { RepositoryScope } from './scope.ts';

/** What somebody wants to do with a repository. */
export type Action = 'pull' | 'push' | 'delete' | 'manage';

/** Somebody whom the application knows. */
export interface Identity {
  /** Names the identity in rows and messages; stable. */
  readonly id: string;
  readonly groups?: readonly string[];
  readonly admin?: boolean;
  /** Tokens that were made before, in ms since 1970, are not this identity's: its password was changed, or its name was somebody else's. */
  readonly sinceMs?: number;
  /** What was shown, where it can end by itself, such as the id of an API key: tokens that are made for it carry it, `identify` gets it, and no client is given a login that outlives it. */
  readonly credential?: string;
  /** A robot of the registry's own: its list says what it may do. */
  readonly isRobot?: boolean;
}

/** The answer to something that must not happen. */
export interface Refusal {
  /** What the client shows to its user (403 `DENIED`): say what would help. */
  readonly refuse: string;
}

/** What is asked before every act on a repository. */
export interface AuthorizeRequest {
  /** Undefined: nobody is logged in. */
  readonly identity: Identity | undefined;
  readonly action: Action;
  readonly name: RepositoryName;
  /** Undefined: there is no repository of that name, and a push would make it. Decide on pull as for a private repository: else who may not see one can tell it from none. */
  readonly repository:
    | { readonly name: string; readonly visibility: 'public' | 'private'; readonly createdBy: string | undefined }
    | undefined;
}

/** Which part of the list of repositories is wanted. */
export interface VisibleRequest {
  /** Undefined: nobody is logged in. */
  readonly identity: Identity | undefined;
  /** Names after this one. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** What a client shows to say who it is: never a cookie. */
export type Credentials = { readonly username: string; readonly password: string } | { readonly token: string };

/** Who sends a request, and how far what they showed reaches. */
export interface Caller {
  readonly identity: Identity | undefined;
  /** Of a bearer token of ours: nothing else may be done with it. Undefined: no such token was shown. */
  readonly scopes: readonly RepositoryScope[] | undefined;
  /** Whether such a token is good for the catalog, too. */
  readonly reachesCatalog?: boolean | undefined;
  /** The access token or robot behind it, whose list is never exceeded. */
  readonly accessToken: AccessTokenRecord | undefined;
}

/** The application that embeds the registry, when it acts by itself. */
export const application: Caller = { identity: undefined, scopes: undefined, accessToken: undefined };

/** Nobody, who showed nothing. */
export const anonymous: Caller = { identity: undefined, scopes: undefined, accessToken: undefined };
