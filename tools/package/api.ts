import { globSync } from 'node:fs';
import { apiReports } from './api-report.ts';
import { compareOrWrite } from './committed.ts';
import { type Findings, overLimit } from './findings.ts';
import { docstringFaults, exportsOf, referenceMarkdown } from './reference.ts';
import { root, subpaths } from './subpaths.ts';

/** What may be generated again, and where it is made. */
export interface ApiOptions {
  readonly isUpdate: boolean;
  readonly workFolder: string;
}

const reportFolder = 'packages/registry/api';

/** The committed reports are what the built package exports, and few types that signatures name cannot be imported. */
export function checkReports({ isUpdate, workFolder }: ApiOptions, limit: number): Findings {
  const reports = apiReports(subpaths, workFolder);
  const files = new Map(reports.map(({ subpath, text }) => [`${reportFolder}/${subpath.name}.api.md`, text]));
  const exported = new Set(exportsOf(subpaths).flatMap(({ exports }) => exports.map(({ name }) => name)));
  const unnamed = [...new Set(reports.flatMap(({ notExported }) => notExported))].filter((name) => !exported.has(name));
  return {
    notes: [`${unnamed.length} types that signatures name and no subpath exports: ${unnamed.sort().join(', ')}`],
    faults: [
      ...compareOrWrite({ root, files, isUpdate }),
      ...globSync(`${reportFolder}/*`, { cwd: root })
        .filter((file) => !files.has(file))
        .map((file) => `${file} is the report of no subpath: remove it.`),
      ...overLimit('Types that signatures name and no subpath exports', unnamed.length, limit),
    ],
  };
}

/** docs/reference.md is what the docstrings say, and each export has one. */
export function checkReference({ isUpdate }: ApiOptions): Findings {
  const exports = exportsOf(subpaths);
  const files = new Map([['docs/reference.md', referenceMarkdown(exports)]]);
  return { faults: [...docstringFaults(exports), ...compareOrWrite({ root, files, isUpdate })] };
}
