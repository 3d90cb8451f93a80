/** What one step of the doctor came to. */
export interface Finding {
  /** A word or two: what was looked at. */
  readonly step: string;
  /** `note`: clients get through, and something is worth to know. */
  readonly outcome: 'ok' | 'note' | 'FAIL';
  /** What was seen. */
  readonly seen: string;
  /** What to change, a line each; empty where there is nothing. */
  readonly change: readonly string[];
}

/** Findings as they are made. */
export type Findings<Result = void> = AsyncGenerator<Finding, Result>;

/** The step went as it must. */
export const good = (step: string, seen: string): Finding => ({ step, outcome: 'ok', seen, change: [] });

/** Something that no client fails at. */
export const note = (step: string, seen: string, change: readonly string[] = []): Finding => ({
  step,
  outcome: 'note',
  seen,
  change,
});

/** Clients fail here. */
export const bad = (step: string, seen: string, change: readonly string[]): Finding => ({
  step,
  outcome: 'FAIL',
  seen,
  change,
});

const mostCharacters = 400;

/** A finding for people: one line, and one for each thing to change. What servers sent cannot move the cursor of a terminal. */
export function formatFinding({ step, outcome, seen, change }: Finding): string {
  return [
    `${outcome.padEnd(4)}  ${step.padEnd(13)}  ${clean(seen)}`,
    ...change.map((line) => `      ${''.padEnd(13)}  -> ${clean(line)}`),
  ].join('\n');
}

/** Text of a server as it may be shown. */
export function clean(text: string): string {
  const shown = text.replace(/\p{C}+/gu, ' ').trim();
  return shown.length > mostCharacters ? `${shown.slice(0, mostCharacters)}…` : shown;
}
