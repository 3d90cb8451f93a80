import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { runMoorage, startServerWithLogin, typeMoorage } from './run-moorage.ts';

// Each test starts the command several times, perhaps on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 120_000 });

/** Every file with its bytes, as a digest. */
function snapshot(data: string): Readonly<Record<string, string>> {
  const paths = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(data, path)).isFile(),
  );
  const digest = (path: string) =>
    createHash('sha256')
      .update(readFileSync(join(data, path)))
      .digest('hex');
  return Object.fromEntries(paths.sort().map((path) => [path, digest(path)]));
}

/** A directory that a server left, with the version of one of its databases set. */
async function leftBehind(versions: Readonly<Record<string, number>>): Promise<string> {
  const server = await startServerWithLogin();
  server.process.kill('SIGTERM');
  await server.ended;
  for (const [file, version] of Object.entries(versions)) {
    const database = new DatabaseSync(join(server.data, file));
    database.exec(`pragma user_version = ${version}`);
    database.close();
  }
  return server.data;
}

async function serve(data: string) {
  const run = runMoorage(['serve', '--listen', '127.0.0.1:0', '--data', data]);
  return { code: await run.ended, stdout: run.stdout(), stderr: run.stderr() };
}

test.each([
  ['registry.db', 'The database has version 999'],
  ['accounts.db', 'The accounts have version 999'],
])('where a newer program wrote %s nothing starts, and no byte of the directory changes', async (file, said) => {
  // The other database wants steps of this program, which must not be taken.
  const data = await leftBehind({ 'registry.db': 1, 'accounts.db': 0, [file]: 999 });
  const before = snapshot(data);
  const sentence = new RegExp(`^${said}, and this program knows .*: a newer Moorage wrote .*restore a backup\\.\\n$`);
  for (const act of [() => serve(data), () => typeMoorage(data, 'user list'), () => typeMoorage(data, 'repo list')]) {
    const { code, stdout, stderr } = await act();
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(sentence);
    expect(snapshot(data)).toEqual(before);
  }
});

test('check cannot look at a database of another version, says what to do, and changes nothing', async () => {
  for (const [version, said] of [
    [999, 'a newer Moorage wrote it'],
    [1, 'Start the server once'],
  ] as const) {
    const data = await leftBehind({ 'registry.db': version });
    const before = readFileSync(join(data, 'registry.db'));
    const { code, stderr } = await typeMoorage(data, 'check');
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    expect(readFileSync(join(data, 'registry.db'))).toEqual(before);
  }
});
