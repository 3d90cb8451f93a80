import { mkdtemp, open, readdir, rm, truncate, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { imageManifest, imageType, openTestRegistry, sha256, type TestRegistry } from '../../test/support/registry.ts';
import { content } from '../../test/support/uploads.ts';
import { filesystem, filesystemCheck } from '../storage/filesystem/filesystem.ts';
import type { MetadataStore } from '../storage/metadata-store.ts';
import { sqlite, sqliteCheck } from '../storage/sqlite/sqlite.ts';
import { type CheckNeeds, type CheckSummary, check, type Finding } from './check.ts';
import { mend } from './mend.ts';

let directory: string;
let file: string;
let metadata: MetadataStore;
let registry: TestRegistry;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'moorage-check-'));
  file = join(directory, 'registry.db');
  metadata = sqlite({ file });
  registry = openTestRegistry({ metadata, blobs: filesystem({ directory }) });
});
afterEach(async () => {
  await registry.close();
  await rm(directory, { recursive: true });
});

/** Pushes an image whose layer lies in a file; returns the layer and the manifest. */
async function pushImage(name: string, tag = 'latest') {
  const layer = content(100_000);
  const [config, large] = [await registry.pushBlob(name, '{}'), await registry.pushBlob(name, layer)];
  const manifest = imageManifest({ config: [config, 2], layers: [[large, layer.byteLength]] });
  const headers = { 'content-type': imageType };
  const answer = await registry.call('PUT', `/v2/${name}/manifests/${tag}`, { headers, body: manifest });
  expect(answer.status).toBe(201);
  return { layer: large, config, manifest: sha256(manifest) };
}

interface Checked {
  readonly findings: readonly Finding[];
  readonly summary: CheckSummary;
}

async function look(options: Partial<CheckNeeds> = {}): Promise<Checked> {
  const needs = {
    metadata: sqliteCheck({ file }),
    blobs: filesystemCheck({ directory }),
    isQuick: false,
    isSparse: false,
  };
  const steps = check({ ...needs, ...options }, new AbortController().signal);
  const findings: Finding[] = [];
  try {
    for (;;) {
      const step = await steps.next();
      if (step.done) return { findings, summary: step.value };
      findings.push(step.value);
    }
  } finally {
    await needs.metadata.close();
  }
}

async function mendAll({ findings }: Checked): Promise<readonly boolean[]> {
  const mended: boolean[] = [];
  for (const finding of findings) {
    mended.push(await mend(finding.mend, { metadata, by: 'test', leaseMs: 1000, now: Date.now }));
  }
  return mended;
}

/** The one file of a published blob. */
async function blobFile(): Promise<string> {
  const names = await readdir(join(directory, 'blobs'), { recursive: true });
  const [name = ''] = names.filter((path) => path.length > 2);
  return join(directory, 'blobs', name);
}

async function flipBit(path: string, atByte: number): Promise<void> {
  const handle = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, atByte);
  byte.writeUInt8(byte.readUInt8() ^ 1);
  await handle.write(byte, 0, 1, atByte);
  await handle.close();
}

/** Changes rows as somebody with another program would. */
function tamper(sql: string, ...values: (string | Uint8Array)[]): void {
  const database = new DatabaseSync(file, { timeout: 5000, enableForeignKeyConstraints: false });
  if (values.length === 0) database.exec(sql);
  else database.prepare(sql).run(...values);
  database.close();
}

test('nothing is found where all is well, and everything is read', async () => {
  await pushImage('acme/web');
  const parts: number[] = [];
  const { findings, summary } = await look({ onProgress: ({ part, of }) => parts.push(part / of) });
  expect(findings).toEqual([]);
  expect(summary).toEqual({ blobs: 2, manifests: 1, readBytes: 100_000, leftovers: { files: 0, bytes: 0 } });
  expect(parts.at(-1)).toBe(1);
});

describe('a blob', () => {
  test('with a flipped bit is broken, names who needs it, and is right for all of them once it was pushed to any', async () => {
    const { layer, manifest } = await pushImage('acme/web');
    await pushImage('acme/api', 'v1');
    await flipBit(await blobFile(), 50_000);
    expect((await look({ isQuick: true })).findings).toEqual([]);

    const checked = await look();
    expect(checked.findings).toEqual([
      {
        kind: 'broken',
        message: expect.stringMatching(`^The blob ${layer} has bytes of the digest sha256:[0-9a-f]+\\.$`),
        uses: [
          { repository: 'acme/api', manifest, tags: ['v1'] },
          { repository: 'acme/web', manifest, tags: ['latest'] },
        ],
        mend: { by: 'discard-blob', digest: layer, key: expect.any(String) },
      },
    ]);
    expect(await mendAll(checked)).toEqual([true]);
    expect((await registry.call('HEAD', `/v2/acme/web/blobs/${layer}`)).status).toBe(404);
    expect((await look()).findings).toMatchObject([{ kind: 'missing', mend: { by: 'push' } }]);
    expect((await look()).summary.leftovers).toEqual({ files: 1, bytes: 100_000 });

    await registry.pushBlob('acme/third', content(100_000));
    expect((await look()).findings).toEqual([]);
    expect((await registry.call('GET', `/v2/acme/api/blobs/${layer}`)).bytes).toEqual(Buffer.from(content(100_000)));
  });

  test('whose file is gone, or short, is found without reading, too', async () => {
    const { layer } = await pushImage('acme/web');
    await truncate(await blobFile(), 99_999);
    expect((await look({ isQuick: true })).findings).toMatchObject([
      { kind: 'broken', message: `The blob ${layer} has 99999 bytes of 100000.` },
    ]);
    await unlink(await blobFile());
    const checked = await look({ isQuick: true });
    expect(checked.findings).toMatchObject([{ kind: 'missing', message: expect.stringContaining('has no file') }]);
    await mendAll(checked);
    await pushImage('acme/web');
    expect((await look()).findings).toEqual([]);
  });

  test('in the database with a changed byte is broken, and comes again by a push', async () => {
    const { config } = await pushImage('acme/web');
    tamper('update blob_bytes set bytes = ?', new TextEncoder().encode('[]'));
    const checked = await look({ isQuick: true });
    expect(checked.findings).toMatchObject([{ kind: 'broken', mend: { digest: config, key: undefined } }]);
    await mendAll(checked);
    await pushImage('acme/web');
    expect((await look()).findings).toEqual([]);
  });

  test('that was pushed again since it was found is not discarded', async () => {
    await pushImage('acme/web');
    await flipBit(await blobFile(), 1);
    const checked = await look();
    await mendAll(checked);
    await pushImage('acme/web');
    expect(await mendAll(checked)).toEqual([false]);
    expect((await look()).findings).toEqual([]);
  });

  test('that nobody holds any more is not waited for', async () => {
    const digest = await registry.pushBlob('acme/web', content(100_000));
    await unlink(await blobFile());
    await mendAll(await look());
    expect((await registry.call('DELETE', `/v2/acme/web/blobs/${digest}`)).status).toBe(202);
    expect((await look()).findings).toEqual([]);
  });
});

describe('a manifest', () => {
  test.each([
    ['with a changed byte is broken', 'update manifest_bytes set bytes = ?', 'broken'],
    ['without bytes is missing', 'delete from manifest_bytes where bytes <> ?', 'missing'],
    ['whose mentions are not its own is inconsistent', 'delete from manifest_edges where digest <> ?', 'inconsistent'],
    ['with another subject is inconsistent', 'update manifests set subject = ?', 'inconsistent'],
  ])('%s; it goes with its tags, and comes again by a push', async (_, sql, kind) => {
    const { manifest } = await pushImage('acme/web');
    tamper(sql, sql.includes('_bytes') ? new TextEncoder().encode('{}') : sha256('other'));
    const checked = await look();
    const uses = [{ repository: 'acme/web', manifest, tags: ['latest'] }];
    expect(checked.findings).toMatchObject([{ kind, uses, mend: { by: 'remove-manifest', digest: manifest } }]);
    expect(await mendAll(checked)).toEqual([true]);
    expect((await registry.call('GET', '/v2/acme/web/manifests/latest')).status).toBe(404);
    await pushImage('acme/web');
    expect((await look()).findings).toEqual([]);
  });

  test('of another size is inconsistent, and so is the sum that its repository keeps', async () => {
    const { manifest } = await pushImage('acme/web');
    tamper('update manifests set size_bytes = 1 where digest = ?', manifest);
    expect((await look()).findings).toMatchObject([
      { kind: 'inconsistent', message: expect.stringMatching(/manifest_bytes \d+, and 1 is right/) },
      { kind: 'inconsistent', message: expect.stringContaining('is listed with another size') },
    ]);
  });

  test('that names a blob which its repository does not hold is told, but where that is allowed', async () => {
    const { config } = await pushImage('acme/web');
    tamper('delete from repository_blobs where blob_id in (select id from blobs where digest = ?)', config);
    const { findings } = await look();
    expect(findings).toMatchObject([{ kind: 'missing', mend: { by: 'push' } }]);
    expect(findings[0]?.message).toContain(config);
    expect((await look({ isSparse: true })).findings).toEqual([]);
    await registry.pushBlob('acme/web', '{}');
    expect((await look()).findings).toEqual([]);
  });
});

describe('rows that contradict each other are told, and the statement that is told mends them', () => {
  test.each([
    [
      'a count',
      'update repositories set manifest_count = 7 where name = ?',
      'acme/web has manifest_count 7, and 1 is right',
    ],
    [
      'a tag',
      'update tags set manifest_id = 999 where name <> ?',
      'The tag latest of the repository acme/web points to',
    ],
    ['a link', 'insert into repository_blobs select id, 999, 0 from repositories where name = ?', 'blob number 999'],
    [
      'a mention',
      `insert into manifest_edges select 999, id, 'sha256:x', 'blob' from repositories where name = ?`,
      'sha256:x',
    ],
  ])('%s', async (_, sql, said) => {
    await pushImage('acme/web');
    tamper(sql, 'acme/web');
    const [finding, ...others] = (await look()).findings;
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      kind: 'inconsistent',
      message: expect.stringContaining(said),
      mend: { by: 'sql' },
    });
    if (finding?.mend.by === 'sql') tamper(finding.mend.sql);
    expect((await look()).findings).toEqual([]);
  });

  test('rows of another table that name what is gone need a backup', async () => {
    await pushImage('acme/web');
    tamper('insert into blob_bytes values (999, ?)', new Uint8Array(1));
    expect((await look()).findings).toEqual([
      {
        kind: 'inconsistent',
        message: 'Rows of blob_bytes that name a row of blobs which is not there: 1.',
        uses: [],
        mend: { by: 'restore' },
      },
    ]);
  });
});

test('an upload under way is no leftover, and bytes that nothing names are one', async () => {
  const { headers } = await registry.call('POST', '/v2/acme/web/blobs/uploads/');
  await registry.call('PATCH', headers['location'] ?? '', { body: content(20_000) });
  expect((await look()).summary.leftovers).toEqual({ files: 0, bytes: 0 });
  tamper('delete from uploads');
  expect(await look()).toMatchObject({ findings: [], summary: { leftovers: { files: 1, bytes: 20_000 } } });
});

test('where the place of the blobs is gone it says so, and does not call every blob missing', async () => {
  await pushImage('acme/web');
  const blobs = filesystemCheck({ directory: join(directory, 'elsewhere') });
  await expect(look({ blobs })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('is its disk mounted?'),
  });
});
