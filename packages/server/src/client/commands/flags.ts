import type { Command } from 'commander';
import type { ConnectOptions } from '../endpoint.ts';

/** How a registry is reached and who asks, as flags. */
export interface ConnectFlags extends ConnectOptions {
  readonly username?: string;
  readonly passwordStdin?: true;
}

/** Adds the flags of a command that talks to one registry. */
export function addConnectFlags(command: Command): Command {
  return addTlsFlags(command)
    .option(
      '-u, --username <name>',
      'log in as this, for this command alone; else by what `moorage login` or docker keeps',
    )
    .option('--password-stdin', 'read the password from stdin; one newline at its end is dropped');
}

/** Adds the flags that say http or https. */
export function addTlsFlags(command: Command): Command {
  return command
    .option('--plain-http', 'speak http, which is the default for the loopback alone')
    .option('--insecure', 'speak https and take any certificate')
    .option('--ca <file>', 'speak https and trust the authorities in this file (PEM), too');
}

/** Adds what every command that pushes takes. */
export function addChunkFlag(command: Command): Command {
  return command.option('--chunk <size>', 'send at most this much at once, for a proxy with a limit, such as 50MiB');
}

/** Collects a flag that may be given several times. */
export function several(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
