import { OciError } from '../oci/error.ts';
import type { RepositoryScope } from './scope.ts';

/** 401: the caller must show something, or something that reaches further. The answer's challenge names the scopes (docker token specification). */
export class UnauthorizedError extends OciError {
  readonly scopes: readonly RepositoryScope[];
  /** A token was shown that is good, and lacks a scope. */
  readonly isInsufficient: boolean;
  /** The catalog is wanted. */
  readonly wantsCatalog: boolean;
  /** Whose name was shown with a password that is not good. */
  readonly username: string | undefined;

  constructor(
    message: string,
    challenge: {
      readonly scopes?: readonly RepositoryScope[];
      readonly isInsufficient?: boolean;
      readonly wantsCatalog?: boolean;
      readonly username?: string;
      readonly cause?: unknown;
    } = {},
  ) {
    super('UNAUTHORIZED', message, { cause: challenge.cause });
    this.scopes = challenge.scopes ?? [];
    this.isInsufficient = challenge.isInsufficient ?? false;
    this.wantsCatalog = challenge.wantsCatalog ?? false;
    this.username = challenge.username;
  }
}
