import type { Fill } from './fills/fill.ts';

/** A registry that answers on 127.0.0.1 while it is measured. */
export interface Target {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** The root of the process tree whose CPU and memory count; 0 where nobody said. */
  readonly pid: number;
  /** What every request shows as `Authorization`; undefined where everything is open. */
  readonly authorization?: string | undefined;
}

/** A target that this bench may end; ending one that it did not start does nothing. */
export interface RunningServer extends Target {
  /** From the start of the process to its first good answer; 0 where it ran already. */
  readonly startMs: number;
  stop(): Promise<void>;
}

/** Who asks, and for what; only servers with accounts look at it. */
export interface StartOptions {
  /** A user that is no administrator, for whom the server has accounts whatever else was asked for. */
  readonly user?: string;
  /** What the bearer token is to be good for, beside the repository of the rows. */
  readonly scopes?: readonly string[];
}

/** How to run one registry. */
export interface Server {
  readonly name: string;
  readonly version: string;
  /** Whether it is somebody else's process, which this bench cannot start anew. */
  readonly isGiven?: true;
  /** Starts with what is in `directory`, which is empty or was filled, and resolves once the server answers. */
  start(directory: string, options?: StartOptions): Promise<RunningServer>;
  /** Writes content into `directory` while no server runs there; only Moorage's own store can be written by the bench. */
  fill?(directory: string, fill: Fill): Promise<void>;
}
