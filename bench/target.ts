/** A registry that answers on 127.0.0.1 while it is measured. */
export interface Target {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** The root of the process tree whose CPU and memory count; 0 where nobody said. */
  readonly pid: number;
}

/** A target that this bench may end; ending one that it did not start does nothing. */
export interface RunningServer extends Target {
  stop(): Promise<void>;
}

/** How to run one registry. */
export interface Server {
  readonly name: string;
  readonly version: string;
  /** Starts with an empty store in `directory` and resolves once the server answers. */
  start(directory: string): Promise<RunningServer>;
}
