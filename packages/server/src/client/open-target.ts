import process from 'node:process';
import { parseByteSize } from './byte-size.ts';
import { connect, typedCredentials } from './connect.ts';
import type { ConnectOptions } from './endpoint.ts';
import { createProgress, type Progress } from './progress.ts';
import type { Reference } from './reference.ts';
import type { RegistryClient } from './registry/registry-client.ts';
import { createUploadMemory, uploadsFile } from './registry/upload-memory.ts';
import { createUploader, type Uploader } from './registry/uploader.ts';

/** What was typed about a registry. */
export interface TargetOptions extends ConnectOptions {
  readonly username?: string;
  readonly passwordStdin?: true;
  readonly chunk?: string;
}

/** A repository to push to. */
export interface Target {
  readonly client: RegistryClient;
  readonly uploader: Uploader;
  readonly progress: Progress;
  close(): void;
}

/** A repository to pull from. */
export type Source = Omit<Target, 'uploader'>;

/** Opens the repository of `reference` for a pull; what happens is shown on stderr. */
export async function openSource(reference: Reference, options: TargetOptions): Promise<Source> {
  const progress = createProgress(process.stderr);
  const { host, repository } = reference;
  const credentials = await typedCredentials(options);
  const client = connect({ host, repository, options, credentials, warn: progress.tell });
  return {
    client,
    progress,
    close() {
      progress.close();
      client.close();
    },
  };
}

/** Opens it for a push; an upload that was cut off before goes on. */
export async function openTarget(reference: Reference, options: TargetOptions): Promise<Target> {
  const chunkBytes = options.chunk === undefined ? undefined : parseByteSize(options.chunk);
  const source = await openSource(reference, options);
  const memory = createUploadMemory(uploadsFile(process.env));
  const { client, progress } = source;
  const { repository } = reference;
  return { ...source, uploader: createUploader({ client, repository, chunkBytes, memory, tell: progress.tell }) };
}
