import type { CheckSummary, Finding, Mend } from '@moorage/registry';
import { metadataFile } from '../data-files.ts';
import { count } from './table.ts';

/** A finding for people: what it is, what it hits, and what mends it. Nothing in it can move a terminal's cursor. */
export function findingLines({ kind, message, uses, mend }: Finding, data: string): readonly string[] {
  const hit = uses.map(({ repository, manifest, tags }) => {
    const names = tags.length === 0 ? '' : ` (${tags.join(', ')})`;
    return `  hits  ${repository}${manifest === undefined ? '' : `@${manifest}`}${names}`;
  });
  const lines = [`${kind}: ${message}`, ...hit, `  mend  ${mendWords(mend, data)}`];
  return lines.map((line) => line.replace(/\p{C}/gu, '?'));
}

/** A finding for programs. */
export function findingJson({ kind, message, uses, mend }: Finding, data: string): unknown {
  return { kind, message, uses, mend: mendWords(mend, data) };
}

// crane asks for the manifest first, and pushes nothing where that is there.
const pushWords = 'Once it was pushed to any name, all that hold it serve it; crane wants a name that is new.';

function mendWords(mend: Mend, data: string): string {
  const takeAway = `moorage check --mend --data ${data}`;
  switch (mend.by) {
    case 'restore':
      return `Stop the server and restore a backup. Without one, this saves what can be read: sqlite3 ${metadataFile(data)} .recover`;
    case 'sql':
      return `sqlite3 ${metadataFile(data)} "${mend.sql}"`;
    case 'push':
      return `Push it again. ${pushWords}`;
    case 'discard-blob':
      return `${takeAway}, then push it again. ${pushWords}`;
    case 'remove-manifest':
      return `${takeAway} removes it and its tags; then push it again.`;
    default:
      return mend satisfies never;
  }
}

/** What was looked at, and what nothing names. */
export function summaryLines(summary: CheckSummary, isQuick: boolean): readonly string[] {
  const { blobs, manifests, readBytes, leftovers } = summary;
  const how = isQuick ? 'their bytes were not read' : `${size(readBytes)} of files were read`;
  const checked = `Checked ${count(manifests, 'manifest')} and ${count(blobs, 'blob')}; ${how}.`;
  if (leftovers.files === 0) return [checked];
  const left = `Left over: ${count(leftovers.files, 'file')} of ${size(leftovers.bytes)} that nothing names. A running server removes them within ten minutes once they are a day old.`;
  return [checked, left];
}

function size(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const number = bytes / 1024 ** unit;
  return `${unit === 0 ? number : number.toFixed(1)} ${units[unit]}`;
}
