import { expect, test } from 'vitest';
import { acmeDirectory, tls } from './tls-type.ts';

test.each([
  ['self-signed', { kind: 'self-signed' }],
  ['a.crt,b.key', { kind: 'files', certificate: 'a.crt', key: 'b.key' }],
  ['/etc/tls/tls.crt, /etc/tls/tls.key', { kind: 'files', certificate: '/etc/tls/tls.crt', key: '/etc/tls/tls.key' }],
  ['acme:hub.example.com', { kind: 'acme', domains: ['hub.example.com'] }],
  [
    'acme:Hub.example.com, b.example.com,hub.example.com',
    { kind: 'acme', domains: ['hub.example.com', 'b.example.com'] },
  ],
])('%s is a source of certificates', (value, setting) => {
  expect(tls().schema.parse(value)).toEqual(setting);
});

test.each([
  '',
  'true',
  'cert.pem',
  'cert.pem,',
  'a,b,c',
  'acme:',
  'acme:localhost',
  'acme:*.example.com',
  'acme:10.0.0.1',
  'acme:a.example.com,',
  'acme:../../etc.example',
  'acme:-a.example.com',
  `acme:${'a'.repeat(64)}.example.com`,
])('%j is none', (value) => {
  expect(tls().schema.safeParse(value).success).toBe(false);
});

test('an ACME server is spoken to over https alone', () => {
  expect(acmeDirectory().schema.safeParse('http://acme.example.com/directory').success).toBe(false);
  expect(acmeDirectory().schema.parse('https://acme.example.com/directory')).toBe('https://acme.example.com/directory');
});
