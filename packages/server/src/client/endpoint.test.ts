import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { endpointOf } from './endpoint.ts';

test.each([
  ['127.0.0.1:5000', 'http://127.0.0.1:5000'],
  ['127.9.9.9', 'http://127.9.9.9'],
  ['localhost:80', 'http://localhost:80'],
  ['[::1]:5000', 'http://[::1]:5000'],
  ['127.0.0.1.example.com', 'https://127.0.0.1.example.com'],
  ['10.0.0.1:5000', 'https://10.0.0.1:5000'],
  ['hub.example.com', 'https://hub.example.com'],
  ['docker.io', 'https://registry-1.docker.io'],
])('%s is reached at %s', (host, origin) => {
  expect(endpointOf(host, {}).origin).toBe(origin);
});

test('flags say http or https', () => {
  expect(endpointOf('10.0.0.1:5000', { plainHttp: true }).origin).toBe('http://10.0.0.1:5000');
  expect(endpointOf('localhost:5000', { insecure: true })).toMatchObject({
    origin: 'https://localhost:5000',
    tls: { rejectUnauthorized: false },
  });
  expect(() => endpointOf('a.example', { plainHttp: true, insecure: true })).toThrow(/leave out/);
});

test('a file of authorities is for https on the loopback, too, and is refused when it holds none', () => {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-ca-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'ca.crt');
  expect(() => endpointOf('localhost', { ca: file })).toThrow(/cannot be read/);
  writeFileSync(file, 'nothing');
  expect(() => endpointOf('localhost', { ca: file })).toThrow(/holds no certificate/);
  writeFileSync(file, '-----BEGIN CERTIFICATE-----\n');
  const { origin, tls } = endpointOf('localhost', { ca: file });
  expect(origin).toBe('https://localhost');
  expect(tls.ca?.at(-1)).toContain('BEGIN CERTIFICATE');
});
