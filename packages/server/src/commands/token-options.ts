import type { AccessTokenRecord } from '@moorage/registry';
import { Option } from 'commander';
import { ExitError } from '../exit-error.ts';
import type { DataOptions } from './data-command.ts';
import type { Data } from './open-data.ts';
import { formatTime, isoTime } from './table.ts';

/** What is typed about a new token or robot. */
export interface TokenOptions extends DataOptions {
  readonly repository?: string;
  readonly actions: string;
  readonly expires: string;
  readonly quiet?: true;
}

const knownActions = ['pull', 'push', 'delete'] as const;

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Ten years: for ever is no expiry. */
const longestSeconds = 3650 * 86_400;

/** Flags of what a token or robot reaches. */
export function tokenOptions(): Option[] {
  return [
    new Option('--repository <pattern>', 'where it reaches: a name, or a namespace at every depth, such as "team/*"'),
    new Option('--actions <actions>', 'what it may do, with commas').default(knownActions.join(',')),
    new Option('--expires <time>', 'how long it is good, such as 30d, 12h, 30m or 60s').default('90d'),
    new Option('--quiet', 'print the secret alone'),
  ];
}

/** What was typed, as the registry takes it; an `ExitError` where that is not possible. */
export function readTokenOptions({ parsePattern }: Data, { repository, actions, expires }: TokenOptions) {
  return {
    pattern: repository === undefined ? undefined : parsePattern(repository),
    actions: parseActionList(actions),
    ttlSeconds: parseDuration(expires),
  };
}

/** The actions that are named, each once. */
export function parseActionList(text: string): readonly (typeof knownActions)[number][] {
  const words = text.split(',').map((word) => word.trim());
  if (words.every((word) => knownActions.some((action) => action === word))) {
    return knownActions.filter((action) => words.includes(action));
  }
  throw new ExitError(
    `--actions is ${JSON.stringify(text)}: it must be ${knownActions.join(', ')}, with commas between.`,
  );
}

/** `30d` as seconds. */
export function parseDuration(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = Number(digits) * (unitSeconds[unit] ?? Number.NaN);
  if (seconds > 0 && seconds <= longestSeconds) return seconds;
  throw new ExitError(
    `--expires is ${JSON.stringify(text)}: it must be a number of days, hours, minutes or seconds, such as 30d, 12h, 30m or 60s, and ten years at the most.`,
  );
}

/** The cells of a token that lists show for tokens and robots alike. */
export function tokenCells({ pattern, actions, expiresMs }: AccessTokenRecord): readonly string[] {
  const isExpired = expiresMs <= Date.now();
  return [pattern ?? 'all', actions.join(','), isExpired ? 'expired' : formatTime(expiresMs)];
}

/** A token for programs, without anything secret. */
export function tokenJson({ id, pattern, actions, createdMs, expiresMs }: AccessTokenRecord) {
  return { id, repository: pattern ?? null, actions, created: isoTime(createdMs), expires: isoTime(expiresMs) };
}
