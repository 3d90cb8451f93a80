import { execFile } from 'node:child_process';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parseRepositoryName } from '../../oci/name.ts';
import { cacheReads } from './read-cache.ts';
import { sqlite } from './sqlite.ts';

const name = parseRepositoryName('acme/web');

const noCommits = () => new Int32Array(new SharedArrayBuffer(4));

/** A cache over reads that are counted, and over a version that tests move. */
function openCache() {
  const state = { version: 1, versionsAsked: 0, reads: 0 };
  const commits = noCommits();
  const read = () => {
    state.reads += 1;
    return { read: state.reads };
  };
  const version = () => {
    state.versionsAsked += 1;
    return state.version;
  };
  return { state, commits, read: cacheReads(read, version, commits) };
}

test('the same question is answered from memory while the version stays', async () => {
  const { read, state } = openCache();
  expect(read('findRepository', ['a'])).toBe(read('findRepository', ['a']));
  expect(read('findRepository', ['b'])).toEqual({ read: 2 });
  await setImmediate();
  expect(read('findRepository', ['a'])).toEqual({ read: 1 });
  expect(state).toEqual({ version: 1, versionsAsked: 2, reads: 2 });
});

test('what is not there is remembered, too, until it may be there', async () => {
  let value: { id: number } | undefined;
  let version = 1;
  const read = cacheReads(
    () => value,
    () => version,
    noCommits(),
  );
  expect(read('findRepository', ['a'])).toBeUndefined();
  value = { id: 1 };
  version = 2;
  await setImmediate();
  expect(read('findRepository', ['a'])).toEqual({ id: 1 });
});

test('in another turn, and after a commit of any thread, a new version ends all answers; within a turn it is asked once', async () => {
  const { read, state, commits } = openCache();
  read('findBlob', [1, 'x']);
  state.version = 2;
  expect(read('findBlob', [1, 'x'])).toEqual({ read: 1 });
  Atomics.add(commits, 0, 1);
  expect(read('findBlob', [1, 'x'])).toEqual({ read: 2 });
  state.version = 3;
  await setImmediate();
  expect(read('findBlob', [1, 'x'])).toEqual({ read: 3 });
});

test('what may be long is read each time', () => {
  const { read } = openCache();
  expect(read('listReferrers', [1])).toEqual({ read: 1 });
  expect(read('listReferrers', [1])).toEqual({ read: 2 });
});

test('what is larger than all that is kept is not kept', () => {
  let reads = 0;
  const read = cacheReads(
    () => {
      reads += 1;
      return { bytes: new Uint8Array(9 * 1024 * 1024) };
    },
    () => 1,
    noCommits(),
  );
  read('readManifest', [1, { tag: 'a' }]);
  read('readManifest', [1, { tag: 'a' }]);
  expect(reads).toBe(2);
});

test('reads of different names or inputs never share an answer', () => {
  const { read } = openCache();
  const questions = [
    ['findManifest', [1, { tag: 'a' }]],
    ['readManifest', [1, { tag: 'a' }]],
    ['findManifest', [1, { digest: 'a' }]],
    ['findManifest', [11, { tag: 'a' }]],
    ['findRoles', ['a', ['b', 'c']]],
    ['findRoles', ['a', ['b,c']]],
  ] as const;
  const answers = questions.map(([read_, input]) => read(read_, input));
  expect(new Set(answers).size).toBe(questions.length);
});

const otherProcess = `
  import { sqlite } from ${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)};
  const store = sqlite({ file: process.argv[2] });
  await store.setVisibility({ name: 'acme/web', visibility: 'public' });
  await store.close();
`;

test('what another process changes is seen by the next request, and what this one changes at once', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'moorage-cache-'));
  const file = join(directory.path, 'registry.db');
  const program = join(directory.path, 'other.ts');
  await writeFile(program, otherProcess);
  const store = sqlite({ file });
  const bytes = new Uint8Array(3);
  const digest = `sha256:${'a'.repeat(64)}` as never;
  const act = { by: 'alice', nowMs: 1, visibility: 'private', digest, leaseUntilMs: 1 } as const;
  await store.putSmallBlob({ ...act, repository: { id: undefined, name }, bytes });
  for (let i = 0; i < 3; i++) expect(await store.findRepository(name)).toMatchObject({ visibility: 'private' });

  await promisify(execFile)(process.execPath, ['-C', 'moorage-source', program, file]);
  expect(await store.findRepository(name)).toMatchObject({ visibility: 'public' });

  await store.setVisibility({ name, visibility: 'private' });
  expect(await store.findRepository(name)).toMatchObject({ visibility: 'private' });
  await store.close();
});
