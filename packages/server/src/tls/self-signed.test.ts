import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { covers, keepSelfSigned, makeSelfSigned, namesOf } from './self-signed.ts';

const dayMs = 24 * 60 * 60 * 1000;

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-tls-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const names = (needed: readonly string[], offered: readonly string[] = []) => ({ needed, offered });

test('a certificate is for servers alone, of P-256, good for its names and 825 days', async () => {
  const nowMs = Date.parse('2026-11-25T12:00:00Z');
  const { cert } = await makeSelfSigned(['localhost', '127.0.0.1', '::1', 'hub.lan'], nowMs);
  const certificate = new X509Certificate(cert);
  expect(certificate.ca).toBe(false);
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  for (const name of ['localhost', '127.0.0.1', '::1', 'hub.lan'])
    expect([name, covers(certificate, name)]).toEqual([name, true]);
  expect(covers(certificate, 'other.lan')).toBe(false);
  expect((certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / dayMs).toBe(825);
  expect(certificate.validFromDate.getTime()).toBeLessThan(nowMs);
});

test('a certificate is kept, its key for the owner alone, and another one made when a name is missing', async () => {
  const directory = join(temporaryDirectory(), 'tls');
  const first = await keepSelfSigned(directory, names(['localhost'], ['box.lan']));
  expect(first.isNew).toBe(true);
  expect(statSync(join(directory, 'self-signed.key')).mode & 0o777).toBe(0o600);
  expect(covers(new X509Certificate(first.pair.cert), 'box.lan')).toBe(true);

  const again = await keepSelfSigned(directory, names(['localhost'], ['renamed.lan']));
  expect(again).toEqual({ ...first, isNew: false });

  const wider = await keepSelfSigned(directory, names(['localhost', 'hub.example.com']));
  expect(wider.isNew).toBe(true);
  expect(covers(new X509Certificate(wider.pair.cert), 'hub.example.com')).toBe(true);
});

test('another one is made 30 days before the end, and where half of the pair is lost or broken', async () => {
  const directory = temporaryDirectory();
  const nowMs = Date.now();
  await keepSelfSigned(directory, names(['localhost']), nowMs);
  expect((await keepSelfSigned(directory, names(['localhost']), nowMs + 794 * dayMs)).isNew).toBe(false);
  expect((await keepSelfSigned(directory, names(['localhost']), nowMs + 796 * dayMs)).isNew).toBe(true);
  rmSync(join(directory, 'self-signed.key'));
  expect((await keepSelfSigned(directory, names(['localhost']))).isNew).toBe(true);
  writeFileSync(join(directory, 'self-signed.crt'), 'nothing');
  expect((await keepSelfSigned(directory, names(['localhost']))).isNew).toBe(true);
});

test('the names are those of the loopback, of the settings and of the machine', () => {
  expect(namesOf({ host: '127.0.0.1', port: 5000 }, undefined)).toEqual({
    needed: ['localhost', '127.0.0.1', '::1'],
    offered: [hostname()],
  });
  expect(namesOf({ host: '10.0.0.5', port: 5000 }, 'https://hub.example.com:8443').needed).toEqual([
    'localhost',
    '127.0.0.1',
    '::1',
    '10.0.0.5',
    'hub.example.com',
  ]);
  expect(namesOf({ host: undefined, port: 443 }, 'https://[2001:db8::1]').needed).toContain('2001:db8::1');
  expect(namesOf({ host: undefined, port: 443 }, undefined).needed).toHaveLength(3);
});
