import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { type CheckSummary, check, type Finding, mend } from '@moorage/registry';
import { filesystemCheck } from '@moorage/registry/filesystem';
import { sqlite, sqliteCheck } from '@moorage/registry/sqlite';
import { metadataFile } from '../data-files.ts';
import { ExitError } from '../exit-error.ts';
import type { Settings } from '../settings.ts';
import { explainStorageFailure } from '../start-failure.ts';
import { findingJson, findingLines, summaryLines } from './check-words.ts';
import { type DataOptions, print } from './data-command.ts';
import { recordCommand } from './record.ts';

/** What `moorage check` takes beside the data directory. */
export interface CheckOptions extends DataOptions {
  readonly quick?: true;
  readonly mend?: true;
}

/** Where a check looks. */
interface Place {
  readonly settings: Settings;
  readonly directory: string;
}

/** Looks at a data directory, prints what it finds as it finds it, and mends where that was asked for; returns how much it found. Rejects with an `ExitError` where it cannot look.
 *
 *  It takes no lock, so that a running server goes on: it opens the database as every other command does, reads it page by page, and reads files that never change. */
export async function checkData({ settings, directory }: Place, options: CheckOptions): Promise<number> {
  const data = resolve(directory, settings.data);
  if (!existsSync(metadataFile(data))) {
    throw new ExitError(`There is no registry in ${data}: name its directory with --data DIRECTORY.`);
  }
  const metadata = sqliteCheck({ file: metadataFile(data) });
  const progress = createProgress();
  const findings: Finding[] = [];
  try {
    const steps = check(
      {
        metadata,
        blobs: filesystemCheck({ directory: join(data, 'blobs') }),
        isQuick: options.quick === true,
        isSparse: settings['manifests.sparse'],
        onProgress: progress.tell,
      },
      new AbortController().signal,
    );
    let step = await steps.next();
    for (; !step.done; step = await steps.next()) {
      progress.clear();
      findings.push(step.value);
      if (options.json !== true) process.stdout.write(`${findingLines(step.value, data).join('\n')}\n`);
    }
    progress.clear();
    const mended = options.mend === true ? await mendAll(findings, { settings, data }) : 0;
    printSummary(step.value, { findings, mended, data, options });
    return findings.length;
  } catch (error) {
    progress.clear();
    throw explainStorageFailure(error, data);
  } finally {
    await metadata.close();
  }
}

/** Takes out of the way what pushing again would put right; returns how much. */
async function mendAll(
  findings: readonly Finding[],
  { settings, data }: { readonly settings: Settings; readonly data: string },
): Promise<number> {
  // A database that is damaged is not written to.
  if (findings.some(({ kind }) => kind === 'damaged')) return 0;
  const metadata = sqlite({ file: metadataFile(data) });
  try {
    let count = 0;
    for (const { mend: what } of findings) {
      const leaseMs = settings['push.leaseSeconds'] * 1000;
      if (!(await mend(what, { metadata, by: 'command line', leaseMs, now: Date.now }))) continue;
      count += 1;
      const repository = what.by === 'remove-manifest' ? what.repository.name : undefined;
      const about = 'digest' in what ? what.digest : undefined;
      await recordCommand(metadata, `mend-${what.by}`, { repository, about });
    }
    return count;
  } finally {
    await metadata.close();
  }
}

function printSummary(
  summary: CheckSummary,
  about: { findings: readonly Finding[]; mended: number; data: string; options: CheckOptions },
): void {
  const { findings, mended, data, options } = about;
  const json = {
    data,
    isQuick: options.quick === true,
    ...summary,
    findings: findings.map((finding) => findingJson(finding, data)),
    ...(options.mend === true ? { mended } : {}),
  };
  const mendLines = options.mend === true ? [`Took ${mended} out of the way: push them again.`] : [];
  print({ json, lines: [...mendLines, ...summaryLines(summary, options.quick === true)] }, options);
}

/** Shows on stderr how far the work is, where that is a terminal. */
function createProgress(): { tell(done: { part: number; of: number }): void; clear(): void } {
  let shown = -1;
  return {
    tell({ part, of }) {
      const percent = of === 0 ? 100 : Math.floor((part / of) * 100);
      if (!process.stderr.isTTY || percent === shown) return;
      shown = percent;
      process.stderr.write(`\rchecking blobs: ${percent} %`);
    },
    clear() {
      if (shown >= 0) process.stderr.write('\r\x1b[K');
      shown = -1;
    },
  };
}
