import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import type { AuditEntry } from '@moorage/registry';
import type { Command } from 'commander';
import { untilSignalled } from '../stop.ts';
import { addDataCommand, type DataOptions, onData } from './data-command.ts';
import type { Data } from './open-data.ts';
import { isoTime } from './table.ts';

type Entry = AuditEntry & { readonly id: number };
type AuditOptions = DataOptions & { readonly follow?: true };

const pageLength = 1000;
const pollMs = 500;

/** `moorage audit` */
export function addAuditCommand(program: Command): void {
  addDataCommand(program, 'audit', 'Print who did what and who was refused, the oldest first.')
    .option('--follow', 'go on with what comes, until Ctrl-C; with --json a document a line')
    .action((options: AuditOptions) =>
      onData(options, async (data) => {
        if (options.follow === true) await follow(data, options.json === true ? jsonLine : textLine);
        else await printAll(data, options.json === true);
        return undefined;
      }),
    );
}

async function follow({ metadata }: Data, format: (entry: Entry) => string): Promise<void> {
  const stopped = new AbortController();
  void untilSignalled().then(() => stopped.abort());
  for (let after = 0; !stopped.signal.aborted; ) {
    const page = await metadata.listAudit({ after, limit: pageLength });
    for (const entry of page) process.stdout.write(`${format(entry)}\n`);
    after = page.at(-1)?.id ?? after;
    if (page.length < pageLength) {
      await setTimeout(pollMs, undefined, { signal: stopped.signal }).catch(() => undefined); // a signal ends the wait
    }
  }
}

/** A page at a time, however long the audit is. */
async function printAll({ metadata }: Data, isJson: boolean): Promise<void> {
  if (isJson) process.stdout.write('[');
  for (let after: number | undefined = 0, isFirst = true; after !== undefined; isFirst = false) {
    const page: readonly Entry[] = await metadata.listAudit({ after, limit: pageLength });
    if (isJson)
      process.stdout.write(
        (isFirst || page.length === 0 ? '' : ',') + page.map((entry) => `\n${jsonLine(entry)}`).join(),
      );
    else process.stdout.write(page.map((entry) => `${textLine(entry)}\n`).join(''));
    after = page.length < pageLength ? undefined : page.at(-1)?.id;
  }
  if (isJson) process.stdout.write('\n]\n');
}

function jsonLine({ atMs, isAllowed, act, identity, address, repository, about }: Entry): string {
  return JSON.stringify({ time: isoTime(atMs), allowed: isAllowed, act, identity, address, repository, about });
}

/** Columns of fixed width, since what comes later is not known. What clients sent must not move the cursor of a terminal. */
function textLine({ atMs, isAllowed, act, identity, address, repository, about }: Entry): string {
  const cells = [
    isoTime(atMs),
    (isAllowed ? 'allowed' : 'refused').padEnd(7),
    act.padEnd(17),
    (identity ?? 'anonymous').padEnd(16),
    (address ?? '-').padEnd(15),
    [repository, about].filter((word) => word !== undefined).join(' '),
  ];
  return cells.join('  ').trimEnd().replace(/\p{C}/gu, '?');
}
