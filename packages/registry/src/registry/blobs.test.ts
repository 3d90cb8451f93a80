import { expect, test } from 'vitest';
import { openTestRegistry, sha256 } from '../../test/support/registry.ts';
import { parseDigest } from '../oci/digest.ts';
import { parseRepositoryName } from '../oci/name.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';

const hourMs = 60 * 60 * 1000;

/** A blob that was just pushed under a lease of 24 hours, and how long its lease still is. */
async function pushed() {
  const metadata = sqlite({ file: ':memory:' });
  const startMs = Date.UTC(2026, 0, 1);
  const opened = openTestRegistry({ metadata });
  const digest = parseDigest(await opened.pushBlob('acme/web', 'hello'));
  const target = `/v2/acme/web/blobs/${digest}`;
  async function leaseHours(): Promise<number> {
    const repository = await metadata.findRepository(parseRepositoryName('acme/web'));
    const blob = await metadata.findBlob(Number(repository?.id), digest);
    return (Number(blob?.leaseUntilMs) - startMs) / hourMs;
  }
  return { ...opened, target, leaseHours };
}

test('end-2 HEAD that answered 200 late in a lease renews it: who was told of the blob may rely on it', async () => {
  const { call, target, advance, leaseHours } = await pushed();
  advance(13 * hourMs);
  expect((await call('HEAD', target)).status).toBe(200);
  expect(await leaseHours()).toBe(13 + 24);
});

test('end-2 HEAD that answered 200 after the lease renews it', async () => {
  const { call, target, advance, leaseHours } = await pushed();
  advance(100 * hourMs);
  expect((await call('HEAD', target)).status).toBe(200);
  expect(await leaseHours()).toBe(100 + 24);
});

test('end-2 HEAD that answered 200 early in a lease writes nothing', async () => {
  const { call, target, advance, leaseHours } = await pushed();
  advance(11 * hourMs);
  expect((await call('HEAD', target)).status).toBe(200);
  expect(await leaseHours()).toBe(24);
});

test('end-2 GET that answered 200 renews nothing: it promises nothing', async () => {
  const { call, target, advance, leaseHours } = await pushed();
  advance(13 * hourMs);
  expect((await call('GET', target)).status).toBe(200);
  expect(await leaseHours()).toBe(24);
});

test('end-6, end-4b and end-11 that answered 201 renew the lease', async () => {
  const { call, pushBlob, advance, leaseHours } = await pushed();
  const digest = sha256('hello');
  advance(hourMs);
  await pushBlob('acme/web', 'hello');
  expect(await leaseHours()).toBe(1 + 24);
  advance(hourMs);
  await call('POST', `/v2/acme/web/blobs/uploads/?digest=${digest}`, { body: 'hello' });
  expect(await leaseHours()).toBe(2 + 24);
  advance(hourMs);
  await call('POST', `/v2/acme/web/blobs/uploads/?mount=${digest}&from=acme/web`);
  expect(await leaseHours()).toBe(3 + 24);
});
