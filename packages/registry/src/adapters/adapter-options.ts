/** What may be told to an adapter. */
export interface AdapterOptions {
  /** Hears of what failed after the registry had answered, such as a file that cannot be read; never of a client that went away. Default: a process
   *  warning. */
  readonly onError?: (error: unknown) => void;
}

/** The default of `onError`. */
export function warnOfError(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
