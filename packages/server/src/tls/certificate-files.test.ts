import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ExitError } from '../exit-error.ts';
import { certificateFiles } from './certificate-files.ts';
import type { CertificatePair } from './certificate-pair.ts';
import { makeSelfSigned } from './self-signed.ts';

const [first, second] = await Promise.all([makeSelfSigned(['first.lan']), makeSelfSigned(['second.lan'])]);

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-tls-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function write(directory: string, { cert, key }: CertificatePair): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'tls.crt'), cert);
  writeFileSync(join(directory, 'tls.key'), key);
}

/** A source on the files of a directory, with what it gave and told. */
function open(directory: string) {
  const given: CertificatePair[] = [];
  const told: string[] = [];
  const tell = (facts: { reason?: string }, message: string) => void told.push(`${message} ${facts.reason ?? ''}`);
  const paths = { certificate: join(directory, 'tls.crt'), key: join(directory, 'tls.key') };
  const source = certificateFiles(paths, { info: tell, error: tell } as never);
  source.follow((pair) => given.push(pair));
  onTestFinished(() => source.close());
  return { source, given, told };
}

test('files that stay give nothing', async () => {
  const directory = temporaryDirectory();
  write(directory, first);
  const { source, given, told } = open(directory);
  expect(source.pair).toEqual(first);
  for (let look = 0; look < 4; look += 1) await source.look();
  expect([given, told]).toEqual([[], []]);
});

test('changed files are read once they have rested for a look', async () => {
  const directory = temporaryDirectory();
  write(directory, first);
  const { source, given, told } = open(directory);
  await source.look();
  await source.look();
  write(directory, second);
  await source.look();
  expect(given).toEqual([]);
  await source.look();
  await source.look();
  expect(given).toEqual([second]);
  expect(told).toEqual(['certificate read ']);
});

test('a look between the two files sees no pair and waits', async () => {
  const directory = temporaryDirectory();
  write(directory, first);
  const { source, given, told } = open(directory);
  await source.look();
  writeFileSync(join(directory, 'tls.crt'), second.cert);
  await source.look();
  writeFileSync(join(directory, 'tls.key'), second.key);
  await source.look();
  await source.look();
  expect(given).toEqual([second]);
  expect(told).toHaveLength(1);
});

test('a link that is turned, as those of Kubernetes are, is seen', async () => {
  const directory = temporaryDirectory();
  write(join(directory, 'one'), first);
  write(join(directory, 'two'), second);
  symlinkSync('one', join(directory, 'data'));
  const { source, given } = open(join(directory, 'data'));
  symlinkSync('two', join(directory, 'new'));
  renameSync(join(directory, 'new'), join(directory, 'data'));
  await source.look();
  await source.look();
  expect(given).toEqual([second]);
});

test('a pair that does not fit or is gone is told once, and the one before stays', async () => {
  const directory = temporaryDirectory();
  write(directory, first);
  const { source, given, told } = open(directory);
  write(directory, { cert: second.cert, key: first.key });
  for (let look = 0; look < 4; look += 1) await source.look();
  expect(told).toEqual([
    expect.stringMatching(/the one before stays The first certificate in .*tls\.crt does not belong/),
  ]);
  rmSync(join(directory, 'tls.key'));
  for (let look = 0; look < 4; look += 1) await source.look();
  expect(told[1]).toMatch(/the one before stays ENOENT/);
  expect(given).toEqual([]);
  write(directory, second);
  for (let look = 0; look < 2; look += 1) await source.look();
  expect(given).toEqual([second]);
});

test('SIGHUP reads the files at once', async () => {
  const directory = temporaryDirectory();
  write(directory, first);
  const { source, given, told } = open(directory);
  write(directory, second);
  process.emit('SIGHUP');
  await source.look();
  expect(given).toEqual([second]);
  process.emit('SIGHUP');
  await source.look();
  expect(told).toHaveLength(2);
});

test.each([
  [{ cert: first.cert, key: second.key }, /does not belong to the key in .*tls\.key/],
  [{ cert: 'nothing', key: first.key }, /tls\.crt holds no certificate in PEM/],
  [{ cert: first.cert, key: first.cert }, /tls\.key holds no private key in PEM/],
  [
    { cert: first.cert, key: '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n' },
    /is encrypted: write it without a password/,
  ],
])('at the start a pair that cannot be used ends the server with a sentence', (pair, sentence) => {
  const directory = temporaryDirectory();
  write(directory, pair);
  expect(() => open(directory)).toThrow(ExitError);
  expect(() => open(directory)).toThrow(sentence);
});
