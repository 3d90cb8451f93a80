import { execFile } from 'node:child_process';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sqlite } from '@moorage/registry/sqlite';
import { expect, test } from 'vitest';
import { accountsFile, metadataFile } from '../data-files.ts';
import { createAccounts } from './accounts.ts';
import { rememberFound } from './found-rows.ts';

test('a row is read once while the version stays, also one that is not there', async () => {
  let version = 1;
  const asked: string[] = [];
  const { find, forget } = rememberFound(
    (sql, ...values) => {
      asked.push([sql, ...values].join());
      return values[0] === 'nobody' ? undefined : { asked: asked.length };
    },
    () => version,
  );
  expect([find('a', 'x'), find('a', 'x'), find('a', 'nobody'), find('a', 'nobody')]).toEqual([
    { asked: 1 },
    { asked: 1 },
    undefined,
    undefined,
  ]);
  expect(asked).toEqual(['a,x', 'a,nobody']);
  forget();
  expect(find('a', 'x')).toEqual({ asked: 3 });
  version = 2;
  await setImmediate();
  expect(find('a', 'x')).toEqual({ asked: 4 });
});

test('what the command line does to a user counts at the next request', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'moorage-accounts-'));
  const metadata = sqlite({ file: metadataFile(directory.path) });
  await metadata.ready();
  await metadata.close();
  const accounts = createAccounts({ file: accountsFile(directory.path) });
  await accounts.users.add({ name: 'alice', password: 'correct horse', isAdmin: false });
  for (let i = 0; i < 2; i++) expect(accounts.identify('alice')).toMatchObject({ id: 'alice', admin: false });

  const bin = fileURLToPath(new URL('../../bin/moorage.js', import.meta.url));
  const moorage = (...words: string[]) =>
    promisify(execFile)(process.execPath, ['-C', 'moorage-source', bin, ...words, '--data', directory.path]);
  await moorage('user', 'disable', 'alice');
  expect(accounts.identify('alice')).toBeUndefined();

  accounts.users.setDisabled('alice', false);
  expect(accounts.identify('alice')).toMatchObject({ id: 'alice' });
  accounts.close();
});
