/** One request, told once its answer is decided. */
export interface RequestReport {
  /** Also in the answer's `X-Request-Id`. */
  readonly requestId: string;
  readonly method: string;
  readonly target: string;
  readonly status: number;
  readonly durationMs: number;
  /** Id of who sent it; undefined: nobody, or it is not known. */
  readonly identity?: string | undefined;
  /** IP address of the client, where the host knows it. */
  readonly address?: string | undefined;
  /** Why it was refused, or what went wrong. */
  readonly error: Error | undefined;
}

/** Whom the registry tells of requests and faults. */
export interface Reports {
  onRequest?(report: RequestReport): void;
  /** A fault of the registry's own: a bug, or a host that fails. `request` undefined: it belongs to none, as a line of the audit that could not be written. */
  onError?(error: Error, request: Pick<RequestReport, 'requestId' | 'method' | 'target'> | undefined): void;
}

/** Tells the application; a listener that throws is its fault and not the request's. */
export function tell(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}
