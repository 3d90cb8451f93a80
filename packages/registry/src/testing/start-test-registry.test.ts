import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startTestRegistry } from './start-test-registry.ts';
import { tarOf } from './tar.ts';

test('it is there at once, with an image that one call put there', async () => {
  const started = await startTestRegistry();
  try {
    const image = await started.pushImage('team/app:1', { files: { 'etc/motd': 'hello' } });
    expect(image.reference).toBe(`${started.host}/team/app:1`);
    const answer = await fetch(`${started.url}/v2/team/app/manifests/1`);
    expect(answer.headers.get('docker-content-digest')).toBe(image.digest);
    const { config, layers } = (await answer.json()) as { config: { digest: string }; layers: { digest: string }[] };
    const blob = (digest: string | undefined) => fetch(`${started.url}/v2/team/app/blobs/${digest}`);
    const { rootfs } = (await (await blob(config.digest)).json()) as { rootfs: { diff_ids: string[] } };
    expect(rootfs.diff_ids).toEqual([layers[0]?.digest]);
    expect(Buffer.from(await (await blob(layers[0]?.digest)).arrayBuffer()).toString()).toContain('hello');
  } finally {
    await started.close();
  }
  await expect(fetch(started.url)).rejects.toThrow();
});

test('the same files are the same image, and without a tag it is latest', async () => {
  const started = await startTestRegistry();
  try {
    const first = await started.pushImage('a/b');
    const second = await started.pushImage('c/d:2');
    expect([first.digest, first.reference]).toEqual([second.digest, `${started.host}/a/b:latest`]);
  } finally {
    await started.close();
  }
});

test('access is as it is asked for, and several live side by side', async () => {
  const [open, closed] = await Promise.all([
    startTestRegistry(),
    startTestRegistry({ access: { authenticate: () => undefined } }),
  ]);
  try {
    expect((await fetch(`${open.url}/v2/`)).status).toBe(200);
    expect((await fetch(`${closed.url}/v2/`)).status).toBe(401);
  } finally {
    await Promise.all([open.close(), closed.close()]);
  }
});

test('the layer is an archive that tar reads', () => {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-tar-'));
  try {
    const file = join(directory, 'layer.tar');
    writeFileSync(file, tarOf({ 'a.txt': 'x'.repeat(600), empty: '', 'bin/b': new Uint8Array([0, 255]) }));
    expect(
      execFileSync('tar', ['-tvf', file, '--numeric-owner'], { encoding: 'utf8' })
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/).filter((_, at) => [0, 1, 2, 5].includes(at))),
    ).toEqual([
      ['-rw-r--r--', '0/0', '600', 'a.txt'],
      ['-rw-r--r--', '0/0', '0', 'empty'],
      ['-rw-r--r--', '0/0', '2', 'bin/b'],
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
