import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { compilerOptions, packageFolder, type Subpath } from './subpaths.ts';

/** What API Extractor tells of one subpath. */
export interface ApiReport {
  readonly subpath: Subpath;
  /** For reviews: every export by its signature. */
  readonly text: string;
  /** Types that its signatures name and that it does not export. */
  readonly notExported: readonly string[];
}

/** API Extractor's own interface, as far as it is used here: it is installed in this folder alone, and the types of the workspace are checked without it. */
interface ApiExtractor {
  readonly ExtractorConfig: { prepare(options: object): object };
  readonly CompilerState: { create(config: object, options: object): object };
  readonly Extractor: { invoke(config: object, options: object): { readonly errorCount: number } };
}

interface ExtractorMessage {
  readonly text: string;
  handled: boolean;
}

/** Asks API Extractor about the built subpaths; what it writes goes to `workFolder`. Throws when it cannot analyse one. */
export function apiReports(subpaths: readonly Subpath[], workFolder: string): readonly ApiReport[] {
  const { CompilerState, Extractor, ExtractorConfig }: ApiExtractor = createRequire(import.meta.url)(
    '@microsoft/api-extractor',
  );
  mkdirSync(workFolder, { recursive: true });
  const configured = subpaths.map((subpath) => {
    const packageJsonFullPath = join(packageFolder, 'package.json');
    const config = ExtractorConfig.prepare({ configObject: configFor(subpath, workFolder), packageJsonFullPath });
    return { subpath, config };
  });
  const [first] = configured;
  if (first === undefined) throw new Error('The package exports nothing.');
  const additionalEntryPoints = subpaths.map(({ types }) => types);
  const compilerState = CompilerState.create(first.config, { additionalEntryPoints });
  return configured.map(({ subpath, config }) => {
    const notExported: string[] = [];
    const messageCallback = (message: ExtractorMessage) => {
      message.handled = true;
      // A name that the language has, too, gets a number: `ErrorOptions_2`.
      const [, name] = /^The symbol "(\w+?)(?:_\d+)?" needs to be exported/.exec(message.text) ?? [];
      if (name !== undefined) notExported.push(name);
    };
    const { errorCount } = Extractor.invoke(config, { compilerState, localBuild: true, messageCallback });
    if (errorCount > 0) throw new Error(`API Extractor finds ${errorCount} errors in ${subpath.specifier}.`);
    const text = readFileSync(join(workFolder, `${subpath.name}.api.md`), 'utf8');
    return { subpath, text, notExported };
  });
}

function configFor({ name, types }: Subpath, workFolder: string): object {
  const quiet = { default: { logLevel: 'none' } };
  return {
    projectFolder: packageFolder,
    mainEntryPointFilePath: types,
    compiler: { overrideTsconfig: { compilerOptions, files: [types] } },
    apiReport: {
      enabled: true,
      reportFileName: `${name}.api.md`,
      reportFolder: workFolder,
      reportTempFolder: join(workFolder, 'temp'),
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    newlineKind: 'lf',
    messages: { extractorMessageReporting: quiet, tsdocMessageReporting: quiet },
  };
}
