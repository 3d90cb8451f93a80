import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createGreeter, endpointOf } from './greeter.ts';

test.each([
  [{ address: '127.0.0.1', family: 'IPv4', port: 5000 }, 'http://127.0.0.1:5000', true],
  [{ address: '::1', family: 'IPv6', port: 5000 }, 'http://[::1]:5000', true],
  [{ address: '::', family: 'IPv6', port: 5000 }, 'http://127.0.0.1:5000', true],
  [{ address: '0.0.0.0', family: 'IPv4', port: 80 }, 'http://127.0.0.1', true],
  [{ address: '10.0.0.5', family: 'IPv4', port: 5000 }, 'http://10.0.0.5:5000', false],
])('a server at %j is reached at %s', (address, origin, loopback) => {
  const endpoint = endpointOf(address, undefined);
  expect([endpoint.url.origin, endpoint.loopback]).toEqual([origin, loopback]);
});

test('a public URL goes before the address', () => {
  const endpoint = endpointOf({ address: '127.0.0.1', family: 'IPv4', port: 5000 }, 'https://hub.example.com');
  expect([endpoint.url.origin, endpoint.loopback]).toEqual(['https://hub.example.com', false]);
});

test.each([
  ['0.0.0.0', 'IPv4', 1],
  ['::', 'IPv6', 1],
  ['10.0.0.5', 'IPv4', 1],
  ['127.0.0.1', 'IPv4', 0],
  ['::1', 'IPv6', 0],
])('a server at %s (%s) warns %i times that anyone may push', (address, family, warnings) => {
  const entries: string[] = [];
  const log = pino({ level: 'warn' }, { write: (entry: string) => entries.push(entry) });
  const settings = { 'log.format': 'json', publicUrl: undefined } as const;
  createGreeter({ settings, data: '/data', version: '1.2.3', log }).welcome(
    { address, family, port: 5000 },
    { isEmpty: true, login: undefined },
  );
  expect(entries.filter((entry) => entry.includes('anyone who reaches this address may push'))).toHaveLength(warnings);
});

test('a server that asks for a login warns of no address', () => {
  const entries: string[] = [];
  const log = pino({ level: 'warn' }, { write: (entry: string) => entries.push(entry) });
  const settings = { 'log.format': 'json', publicUrl: undefined } as const;
  createGreeter({ settings, data: '/data', version: '1.2.3', log }).welcome(
    { address: '0.0.0.0', family: 'IPv4', port: 5000 },
    { isEmpty: true, login: { name: 'alice' } },
  );
  expect(entries).toEqual([]);
});
