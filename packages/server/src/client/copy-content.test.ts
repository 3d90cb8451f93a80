import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RegistryOptions } from '@moorage/registry';
import { startTestRegistry } from '@moorage/registry/testing';
import { expect, onTestFinished, test } from 'vitest';
import { type MeddlingProxy, startMeddlingProxy } from '../../test/meddling-proxy.ts';
import { copyContent } from './copy-content.ts';
import type { Credentials } from './credentials/credentials.ts';
import { endpointOf } from './endpoint.ts';
import { createProgress } from './progress.ts';
import { parseReference } from './reference.ts';
import { parsePlatform } from './registry/manifest-document.ts';
import { createRegistryClient } from './registry/registry-client.ts';
import { createUploadMemory } from './registry/upload-memory.ts';
import { createUploader } from './registry/uploader.ts';

const MiB = 2 ** 20;
const imageType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
const digestOf = (bytes: Uint8Array | string) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const encode = (document: object) => new TextEncoder().encode(JSON.stringify(document));

/** A registry behind a proxy that sees what comes. */
async function start(options: Partial<RegistryOptions> = {}) {
  const { registry, url, close } = await startTestRegistry(options);
  onTestFinished(close);
  const proxy = await startMeddlingProxy(url);
  /** Pushes a manifest whose blobs are `layers` to `NAME[:TAG]`; returns its descriptor. */
  async function push(place: string, layers: readonly Uint8Array[], more: object = {}) {
    const [name = '', tag] = place.split(':');
    const blobs = [encode({ os: 'linux' }), ...layers];
    for (const blob of blobs) await registry.pushBlob(name, blob);
    const [config, ...rest] = blobs.map((blob) => ({
      mediaType: 'application/octet-stream',
      digest: digestOf(blob),
      size: blob.length,
    }));
    const bytes = encode({ schemaVersion: 2, mediaType: imageType, config, layers: rest, ...more });
    await registry.pushManifest(name, tag ?? digestOf(bytes), { bytes });
    return { mediaType: imageType, digest: digestOf(bytes), size: bytes.length };
  }
  async function pushIndex(name: string, tag: string, manifests: readonly object[]) {
    const bytes = encode({ schemaVersion: 2, mediaType: indexType, manifests });
    await registry.pushManifest(name, tag, { bytes });
    return { mediaType: indexType, digest: digestOf(bytes), size: bytes.length };
  }
  return { registry, url, proxy, push, pushIndex };
}

/** Copies as one run of the command does. */
async function copy(
  from: string,
  to: string,
  options: { platform?: string; hasReferrers?: boolean; credentials?: Credentials; chunkBytes?: number } = {},
) {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-copy-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const clientOf = (host: string) => {
    const client = createRegistryClient({
      endpoint: endpointOf(host, {}),
      findCredentials: async () => options.credentials,
      sleep: async () => undefined,
    });
    onTestFinished(client.close);
    return client;
  };
  const lines: string[] = [];
  const progress = createProgress({ write: (text) => lines.push(text) });
  const [source, target] = [parseReference(from), parseReference(to)];
  const client = clientOf(target.host);
  const memory = createUploadMemory(join(directory, 'uploads.json'));
  const { chunkBytes } = options;
  const uploader = createUploader({ client, repository: target.repository, chunkBytes, memory, tell: progress.tell });
  const digest = await copyContent(
    {
      from: { client: clientOf(source.host), reference: source },
      to: { client, reference: target, uploader },
      progress,
    },
    {
      platform: options.platform === undefined ? undefined : parsePlatform(options.platform),
      hasReferrers: options.hasReferrers ?? true,
    },
  );
  return { digest, lines };
}

const bodyBytes = ({ seen }: MeddlingProxy) => seen.reduce((sum, { bytes }) => sum + bytes, 0);
const manifestOf = async (url: string, name: string, wanted: string) =>
  (await fetch(`${url}/v2/${name}/manifests/${wanted}`)).status;
const referrersOf = async (url: string, name: string, digest: string) =>
  (
    (await (await fetch(`${url}/v2/${name}/referrers/${digest}`)).json()) as { manifests: { digest: string }[] }
  ).manifests.map((one) => one.digest);

/** An index of two platforms, with a signature of one image and a list of contents of the index. */
async function pushRelease({ push, pushIndex }: Awaited<ReturnType<typeof start>>, shared = randomBytes(2 * MiB)) {
  const amd64 = await push('acme/web', [shared, randomBytes(1000)]);
  const arm64 = await push('acme/web', [shared, randomBytes(1000)]);
  const index = await pushIndex('acme/web', '1', [
    { ...amd64, platform: { os: 'linux', architecture: 'amd64' } },
    { ...arm64, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
  ]);
  const signature = await push('acme/web', [randomBytes(10)], {
    artifactType: 'application/x-signature',
    subject: arm64,
  });
  const list = await push('acme/web', [randomBytes(20)], {
    artifactType: 'application/x-list',
    subject: index,
  });
  const again = await push('acme/web', [randomBytes(30)], {
    artifactType: 'application/x-signature',
    subject: list,
  });
  return { amd64, arm64, index, signature, list, again };
}

test('an index is copied with all platforms and all that refers to any of it, and a second copy sends no blob', async () => {
  const [source, target] = [await start(), await start()];
  const { amd64, arm64, index, signature, list, again } = await pushRelease(source);
  const { digest, lines } = await copy(`${source.proxy.host}/acme/web:1`, `${target.proxy.host}/mirror/web:one`);
  expect(digest).toBe(index.digest);
  for (const wanted of ['one', amd64.digest, arm64.digest])
    expect(await manifestOf(target.url, 'mirror/web', wanted)).toBe(200);
  expect(await referrersOf(target.url, 'mirror/web', arm64.digest)).toEqual([signature.digest]);
  expect(await referrersOf(target.url, 'mirror/web', index.digest)).toEqual([list.digest]);
  expect(await referrersOf(target.url, 'mirror/web', list.digest)).toEqual([again.digest]);
  expect(lines.filter((line) => line.includes(' 2.0 MiB  uploaded'))).toHaveLength(1);
  const sent = target.proxy.seen.filter(({ method }) => method === 'PATCH' || method === 'POST').length;
  await copy(`${source.proxy.host}/acme/web:1`, `${target.proxy.host}/mirror/web:one`);
  expect(target.proxy.seen.filter(({ method }) => method === 'PATCH' || method === 'POST')).toHaveLength(sent);
});

test('a platform is copied alone, and referrers are left out where that was asked for', async () => {
  const [source, target] = [await start(), await start()];
  const { amd64, arm64, index } = await pushRelease(source);
  const { digest } = await copy(`${source.proxy.host}/acme/web:1`, `${target.proxy.host}/web`, {
    platform: 'linux/arm64',
    hasReferrers: false,
  });
  expect(digest).toBe(arm64.digest);
  expect(await manifestOf(target.url, 'web', 'latest')).toBe(200);
  expect(await referrersOf(target.url, 'web', arm64.digest)).toEqual([]);
  for (const { digest } of [amd64, index]) expect(await manifestOf(target.url, 'web', digest)).toBe(404);
  await expect(
    copy(`${source.proxy.host}/acme/web:1`, `${target.proxy.host}/web`, { platform: 'windows/amd64' }),
  ).rejects.toThrow(/nothing for windows\/amd64: choose with --platform linux\/amd64 or linux\/arm64\/v8/);
});

test('within one registry blobs are mounted', async () => {
  const source = await start();
  await pushRelease(source);
  await copy(`${source.proxy.host}/acme/web:1`, `${source.proxy.host}/acme/other:1`);
  expect(source.proxy.seen.filter(({ method }) => method === 'PATCH')).toEqual([]);
  expect(source.proxy.seen.filter(({ path }) => path.includes('mount=')).length).toBeGreaterThan(3);
  expect(await manifestOf(source.url, 'acme/other', '1')).toBe(200);
});

test('what cosign keeps under tags goes with it', async () => {
  const [source, target] = [await start(), await start()];
  const image = await source.push('acme/web:1', [randomBytes(100)]);
  const tag = `${image.digest.replace(':', '-')}.sig`;
  await source.push(`acme/web:${tag}`, [randomBytes(10)]);
  await copy(`${source.proxy.host}/acme/web@${image.digest}`, `${target.proxy.host}/acme/web:1`);
  expect(await manifestOf(target.url, 'acme/web', tag)).toBe(200);
});

test('a registry without a list of referrers gets them under the tag of their subject, and gives them from there', async () => {
  const [source, old, target] = [await start(), await start(), await start()];
  const image = await source.push('acme/web:1', [randomBytes(100)]);
  const types = ['application/x-a', 'application/x-b'];
  for (const artifactType of types) await source.push('acme/web', [randomBytes(10)], { artifactType, subject: image });
  const withoutList: MeddlingProxy['meddle'] = ({ path }) =>
    path.includes('/referrers/') ? { status: 404 } : undefined;
  old.proxy.meddle = withoutList;
  old.proxy.hideHeaders = ['oci-subject'];
  await copy(`${source.proxy.host}/acme/web:1`, `${old.proxy.host}/acme/web:1`);
  const answer = await fetch(`${old.url}/v2/acme/web/manifests/${image.digest.replace(':', '-')}`);
  const { manifests } = (await answer.json()) as { manifests: { artifactType: string }[] };
  expect(manifests.map(({ artifactType }) => artifactType).sort()).toEqual(types);
  await copy(`${old.proxy.host}/acme/web:1`, `${target.proxy.host}/acme/web:1`);
  expect(await referrersOf(target.url, 'acme/web', image.digest)).toHaveLength(2);
});

test.each(['source', 'target'])(
  'a connection to the %s that breaks is gone on with, in no more bytes than there are',
  async (side) => {
    const [source, target] = [await start(), await start()];
    const layer = randomBytes(6 * MiB);
    const image = await source.push('acme/web:1', [layer]);
    let cuts = 0;
    const [broken, cut] =
      side === 'source'
        ? ([source, { cutAnswerAfterBytes: 2 * MiB }] as const)
        : ([target, { cutAfterBytes: 2 * MiB }] as const);
    broken.proxy.meddle = ({ method, path }) =>
      (side === 'source' ? method === 'GET' && path.includes(digestOf(layer)) : method === 'PATCH') && cuts++ < 1
        ? cut
        : undefined;
    expect((await copy(`${source.proxy.host}/acme/web:1`, `${target.proxy.host}/acme/web:1`)).digest).toBe(
      image.digest,
    );
    const pulled = await fetch(`${target.url}/v2/acme/web/blobs/${digestOf(layer)}`);
    expect(digestOf(new Uint8Array(await pulled.arrayBuffer()))).toBe(digestOf(layer));
    const ranges = source.proxy.seen.flatMap(({ headers }) => headers.range ?? []);
    expect(ranges).toEqual([expect.stringMatching(/^bytes=\d{7}-6291455$/)]);
    if (side === 'source') expect(bodyBytes(target.proxy)).toBeLessThan(6 * MiB + 10_000);
  },
);

test('chunks of a copy are read from the source in one go', async () => {
  const [source, target] = [await start(), await start()];
  await source.push('acme/web:1', [randomBytes(3 * MiB)]);
  await copy(`${source.proxy.host}/acme/web:1`, `${target.proxy.host}/acme/web:1`, { chunkBytes: MiB });
  expect(target.proxy.seen.filter(({ method }) => method === 'PATCH').map(({ bytes }) => bytes)).toEqual([
    MiB,
    MiB,
    MiB,
  ]);
  expect(source.proxy.seen.filter(({ path }) => path.includes('/blobs/'))).toHaveLength(2);
});

test('both registries may want a login, and say what is missing', async () => {
  const access: RegistryOptions['access'] = {
    authenticate: (shown) =>
      'username' in shown && shown.password === `${shown.username}-pw` ? { id: shown.username } : undefined,
    authorize: ({ identity, name }) => identity !== undefined && name.startsWith(`${identity.id}/`),
  };
  const [source, target] = [await start({ access }), await start({ access })];
  await source.push('ann/web:1', [randomBytes(2 * MiB)]);
  const credentials: Credentials = { kind: 'password', username: 'ann', password: 'ann-pw' };
  const [from, to] = [`${source.proxy.host}/ann/web:1`, `${target.proxy.host}/ann/web:1`];
  expect((await copy(from, to, { credentials })).digest).toMatch(/^sha256:/);
  const tokens = target.proxy.seen.filter(({ path }) => path.startsWith('/v2/token'));
  expect(tokens.length).toBeLessThanOrEqual(2);
  await expect(copy(from, to)).rejects.toThrow(/Log in first: moorage login 127\.0\.0\.1:\d+$/);
  await expect(copy(from, to, { credentials: { ...credentials, password: 'wrong' } })).rejects.toThrow(/moorage login/);
  await expect(copy(from, `${target.proxy.host}/bob/web:1`, { credentials })).rejects.toThrow(
    /refused to .* request id/,
  );
});

test('a digest that was typed must be that of the content, and what is not there is told', async () => {
  const [source, target] = [await start(), await start()];
  await source.push('acme/web:1', [randomBytes(10)]);
  const wrong = `sha256:${'0'.repeat(64)}`;
  await expect(copy(`${source.proxy.host}/acme/web:1`, `${target.proxy.host}/a@${wrong}`)).rejects.toThrow(
    /nothing was copied/,
  );
  await expect(copy(`${source.proxy.host}/acme/web:2`, `${target.proxy.host}/a`)).rejects.toThrow(
    `${source.proxy.host} has no acme/web:2.`,
  );
  source.proxy.meddle = ({ path }) =>
    path.includes('manifests') ? { status: 200, body: '{"schemaVersion":2}' } : undefined;
  await expect(copy(`${source.proxy.host}/acme/web@${wrong}`, `${target.proxy.host}/a`)).rejects.toThrow(
    /it should be/,
  );
});

test('a source that gives more than its manifest says is not believed', async () => {
  const [source, target] = [await start(), await start()];
  const layer = randomBytes(50_000);
  await source.push('acme/web:1', [layer]);
  source.proxy.meddle = ({ path }) =>
    path.includes(digestOf(layer)) ? { status: 200, body: 'x'.repeat(60_000) } : undefined;
  await expect(copy(`${source.proxy.host}/acme/web:1`, `${target.proxy.host}/a`)).rejects.toThrow(
    /more than 50000 bytes/,
  );
});
