import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  type AccessTokens,
  createAccessTokens,
  type MetadataStore,
  OciError,
  parseNamePattern,
  parseRepositoryName,
  type RepositoryName,
} from '@moorage/registry';
import { sqlite } from '@moorage/registry/sqlite';
import { type Accounts, createAccounts } from '../accounts/accounts.ts';
import { accountsFile, metadataFile } from '../data-files.ts';
import { ExitError } from '../exit-error.ts';
import type { Settings } from '../settings.ts';
import { explainStorageFailure } from '../start-failure.ts';
import { recordCommand } from './record.ts';

/** A data directory that a command works on, while a server may run on it. */
export interface Data {
  readonly accounts: Accounts;
  readonly metadata: MetadataStore;
  readonly tokens: AccessTokens;
  readonly parseName: typeof parseRepositoryName;
  readonly parsePattern: typeof parseNamePattern;
  /** Writes into the audit what was done: `act` as a word, and what it was about. */
  record(act: string, on: { readonly repository?: RepositoryName; readonly about?: string }): Promise<void>;
}

/** Opens a data directory, runs `act` on it and closes it. Rejects with an `ExitError` where the host or a name that was typed is the reason. */
export async function withData<Result>(
  { settings, directory, makes }: { readonly settings: Settings; readonly directory: string; readonly makes: boolean },
  act: (data: Data) => Promise<Result>,
): Promise<Result> {
  const data = resolve(directory, settings.data);
  if (!makes && !existsSync(metadataFile(data))) {
    throw new ExitError(`There is no registry in ${data}: name its directory with --data DIRECTORY.`);
  }
  const metadata = sqlite({ file: metadataFile(data) });
  const accounts = createAccounts({ file: accountsFile(data) });
  try {
    accounts.refuseNewer();
    await metadata.ready(); // makes the directory, and refuses one whose locks cannot be trusted
    return await act({
      accounts,
      metadata,
      tokens: createAccessTokens(metadata),
      parseName: parseRepositoryName,
      parsePattern: parseNamePattern,
      record: (what, on) => recordCommand(metadata, what, on),
    });
  } catch (error) {
    if (error instanceof OciError) throw new ExitError(error.message, { cause: error });
    throw explainStorageFailure(error, data);
  } finally {
    accounts.close();
    await metadata.close();
  }
}
