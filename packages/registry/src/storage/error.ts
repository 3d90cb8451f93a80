/** Why a store could not do what it was asked. The set is closed: every driver maps its host's errors to these. */
export type StorageErrorCode =
  /** No upload session of that id in that repository, or no bytes under that key. */
  | 'not-found'
  /** Another writer holds the upload session, or took it over. */
  | 'busy'
  /** Another process holds the database for longer than a statement waits; the same call may succeed later. */
  | 'locked'
  /** The offset of an append is not the current size. */
  | 'offset-mismatch'
  /** The repository was made by someone else after the permit was given. */
  | 'repository-changed'
  /** A manifest names content that the repository does not have; `detail` lists the digests. */
  | 'missing-content'
  /** A blob cannot go: a manifest of the repository names it; `detail` is that manifest's digest. Or there is a robot of that name. */
  | 'in-use'
  /** A condition on a tag (`If-Match`, `If-None-Match`) does not hold. */
  | 'precondition-failed'
  /** The disk is full, or a quota of the host is. */
  | 'no-space'
  /** So little space is left that the store takes no more uploads; `detail` has `freeBytes` and `reserveBytes`. */
  | 'below-reserve'
  /** The store cannot go on: a flush failed, or it was closed. */
  | 'unavailable';

/** A refusal of a store, told apart by `code`. Anything else that a store throws is a fault of the host or a bug. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code: StorageErrorCode;
  /** Plain data that goes with some codes. */
  readonly detail: unknown;

  constructor(
    code: StorageErrorCode,
    message: string,
    options: { readonly detail?: unknown; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
  }
}

/** Whether `error` is a refusal of a store, of `code` where one is given. */
export function isStorageError(error: unknown, code?: StorageErrorCode): error is StorageError {
  return error instanceof StorageError && (code === undefined || error.code === code);
}
