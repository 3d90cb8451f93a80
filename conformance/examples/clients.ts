import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Login } from './caller.ts';
import type { Home } from './scenario.ts';

/** Makes a layer that clients can push, an archive of one file, and returns its path. */
export async function makeLayer({ directory, run }: Home): Promise<string> {
  await writeFile(join(directory, 'hello.txt'), 'hello\n');
  await run('tar', ['-cf', 'layer.tar', 'hello.txt']);
  return join(directory, 'layer.tar');
}

/** crane keeps what is typed and asks no server: the first push or pull tells whether it is good. */
export async function logInWithCrane({ run }: Home, host: string, { user, password }: Login): Promise<void> {
  await run('crane', ['auth', 'login', '-u', user, '--password-stdin', host], { input: password });
}
