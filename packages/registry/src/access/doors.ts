import type { MetadataStore } from '../storage/metadata-store.ts';
import { type AccessTokens, createAccessTokens } from './access-tokens.ts';
import { type Audit, createAudit } from './audit.ts';
import { type Callers, createCallers, type IdentityOptions } from './callers.ts';
import { type AuthorizeRequest, anonymous, type Refusal, type VisibleRequest } from './identity.ts';
import { createKeys, type Keys } from './keys.ts';
import { createLogins } from './logins.ts';
import { createOutsideTokens, type TokenServer } from './outside-tokens.ts';
import { type Access, type AccessNeeds, createAccess } from './permit.ts';
import { type RepositoryCreation, repositoryRoles, visibleByRoles } from './repository-roles.ts';
import { createTokens, type Tokens } from './tokens.ts';

/** Who may do what: `'open'` lets everyone do everything; else who people are and, in the place of the registry's own roles, what they may do. */
export type AccessOptions =
  | 'open'
  | (IdentityOptions & {
      /** Asked at each request on each door. A refusal with words is told (403 `DENIED`), of a pull too, which then shows that there is something; without words who may not pull sees none (404).
       *  Default: the roles, visibilities and namespaces that the registry keeps. */
      authorize?(request: AuthorizeRequest): boolean | Refusal | Promise<boolean | Refusal>;
      /** Names that somebody may pull, in byte order, after `after` and at most `limit`: lets the catalog find few among many. `authorize` is asked about each all the same. Without it, or where it says
       *  undefined, a page of the catalog asks `authorize` about up to 1,000 repositories. */
      visible?(request: VisibleRequest): readonly string[] | undefined | Promise<readonly string[] | undefined>;
      /** Who may make repositories, where the default decides. */
      readonly creation?: RepositoryCreation;
      /** Makes the tokens in the place of this registry, whose own token endpoint is then off. */
      readonly tokenServer?: TokenServer;
    });

/** The parts of access, joined. */
export interface Doors {
  readonly access: Access;
  readonly audit: Audit;
  readonly callers: Callers;
  readonly tokens: Tokens;
  readonly accessTokens: AccessTokens;
  readonly keys: Keys;
}

/** What access stands on. */
export interface DoorNeeds {
  readonly metadata: MetadataStore;
  readonly sources: { now(): number; randomId(): string };
  /** Audience and issuer of tokens. */
  readonly service: string;
  readonly ttlSeconds: number;
  onError(error: unknown): void;
}

/** Where everything is open nobody is asked who they are, whatever their client shows. */
const everyone: Callers = { canLogIn: false, find: async () => anonymous, findByOfflineToken: async () => anonymous };

export function createDoors(options: AccessOptions, needs: DoorNeeds): Doors {
  const { metadata, sources, service, ttlSeconds } = needs;
  const identities: IdentityOptions = options === 'open' ? {} : options;
  const authorize = options === 'open' ? undefined : (options.authorize ?? repositoryRoles(metadata, options));
  const keys = createKeys(metadata, sources);
  const tokens = createTokens(keys, { service, ttlSeconds }, sources);
  const outside = options === 'open' ? undefined : options.tokenServer;
  const verifying = outside === undefined ? tokens : createOutsideTokens(outside, sources);
  const accessTokens = createAccessTokens(metadata, sources);
  const logins = createLogins(sources);
  const callers =
    options === 'open' ? everyone : createCallers({ options: identities, tokens: verifying, accessTokens, logins });
  const canLogIn = callers.canLogIn || outside !== undefined;
  const visible = visibleOf(options, metadata);
  const access = createAccess({ authorize, visible, canLogIn, metadata });
  const audit = createAudit(metadata, { now: sources.now, onError: needs.onError });
  return { access, audit, callers, tokens, accessTokens, keys };
}

/** Who decides by itself must say by itself what is visible: the roles may know nothing of it. */
function visibleOf(options: AccessOptions, metadata: MetadataStore): AccessNeeds['visible'] {
  if (options === 'open') return undefined;
  return options.visible ?? (options.authorize === undefined ? visibleByRoles(metadata) : undefined);
}
