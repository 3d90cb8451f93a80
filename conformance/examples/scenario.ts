import type { CommandOptions, CommandResult } from '../run-command.ts';

/** A client's home: what it is told there, such as a login, another home does not know. */
export type Home = {
  readonly directory: string;
  /** Runs a client in the home; throws with its transcript when it fails. */
  run(command: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** Runs a client that must fail, and returns its transcript. */
  runRefused(command: string, args: readonly string[], options?: CommandOptions): Promise<string>;
};

/** An example that runs, with a data directory of its own. */
export type Running = {
  /** Address and port, as a client writes them before the repository. */
  readonly host: string;
  /** `http://` and the host. */
  readonly url: string;
  /** The home of somebody, the same one for the same name; crane and regctl speak plain HTTP there. */
  home(name: string): Promise<Home>;
  /** Ends the example and starts it again, at the same address with the same data. */
  restart(): Promise<void>;
};

/** What an example must show. The cases run in order: one may rely on what those before it did. */
export type Scenario = {
  /** The folder of the example. */
  readonly name: string;
  cases(example: Running): readonly { readonly name: string; run(): Promise<void> }[];
};
