import { join } from 'node:path';

/** Where the registry's metadata lies in a data directory. */
export const metadataFile = (data: string): string => join(data, 'registry.db');

/** Where the users and groups lie in a data directory. */
export const accountsFile = (data: string): string => join(data, 'accounts.db');

/** Where the refusals of the last days lie in a data directory, for `moorage why`. It may be removed. */
export const refusalsFile = (data: string): string => join(data, 'refusals.db');
