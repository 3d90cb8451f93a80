import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { createOriginReader } from './client-origin.ts';

/** Reads a request that came from `remoteAddress` with these headers. */
function read(
  trustedProxies: readonly string[],
  remoteAddress: string | undefined,
  headers: Readonly<Record<string, string>> = {},
) {
  return readOver({ remoteAddress }, trustedProxies, headers);
}

function readOver(socket: object, trustedProxies: readonly string[], headers: Readonly<Record<string, string>> = {}) {
  const request = { socket, headers: { host: 'inner:5000', ...headers } } as unknown as IncomingMessage;
  return createOriginReader(trustedProxies)(request);
}

const forwarded = {
  'x-forwarded-for': '203.0.113.7',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'hub.example',
};

test('without trusted proxies nothing that is forwarded counts', () => {
  expect(read([], '127.0.0.1', forwarded)).toEqual({ origin: 'http://inner:5000', address: '127.0.0.1' });
});

test('what another address than a trusted one forwards does not count', () => {
  expect(read(['10.0.0.0/8'], '11.0.0.1', forwarded)).toEqual({ origin: 'http://inner:5000', address: '11.0.0.1' });
});

test('a trusted proxy says who the client is, and by which scheme and host it came', () => {
  const expected = { origin: 'https://hub.example', address: '203.0.113.7' };
  expect(read(['10.0.0.0/8'], '10.1.2.3', forwarded)).toEqual(expected);
  expect(read(['10.1.2.3'], '10.1.2.3', forwarded)).toEqual(expected);
  expect(read(['::1'], '::1', forwarded)).toEqual(expected);
  expect(read(['fd00::/8'], 'fd12::9', forwarded)).toEqual(expected);
  // A socket for both families writes IPv4 addresses so.
  expect(read(['10.0.0.0/8'], '::ffff:10.1.2.3', forwarded)).toEqual(expected);
});

test('a proxy that forwards nothing is taken as it came', () => {
  expect(read(['10.0.0.1'], '10.0.0.1')).toEqual({ origin: 'http://inner:5000', address: '10.0.0.1' });
});

test('of many hops the last one that is no proxy of ours is the client: what is before it anyone can write', () => {
  const client = (hops: string) => read(['10.0.0.0/8'], '10.0.0.1', { 'x-forwarded-for': hops }).address;
  expect(client('198.51.100.1, 203.0.113.7, 10.0.0.9')).toBe('203.0.113.7');
  expect(client('10.0.0.7, 203.0.113.7')).toBe('203.0.113.7');
  expect(client('10.0.0.7, 10.0.0.9')).toBe('10.0.0.7');
});

test('a hop may have a port, and what is no address is nobody', () => {
  const client = (hops: string) => read(['10.0.0.0/8'], '10.0.0.1', { 'x-forwarded-for': hops }).address;
  expect(client('203.0.113.7:1234')).toBe('203.0.113.7');
  expect(client('[2001:db8::1]:1234')).toBe('2001:db8::1');
  expect(client('2001:db8::1')).toBe('2001:db8::1');
  for (const garbage of ['unknown', '_hidden', '<script>', '1.2.3.4.5', '\n', ',,', '%00', 'a'.repeat(10_000)]) {
    expect([garbage, client(garbage)]).toEqual([garbage, '10.0.0.1']);
  }
});

test('a host or scheme that could break out of a header makes no origin', () => {
  for (const host of [
    'hub"example',
    'hub example',
    'a/b',
    'a\r\nb',
    'user@hub',
    'hub:port',
    'hub:123456',
    '',
    '[x]',
    'ä',
  ]) {
    expect([host, read([], '127.0.0.1', { host }).origin]).toEqual([host, undefined]);
  }
  for (const scheme of ['javascript', 'https"', 'HTTPS ', 'ftp']) {
    expect(read(['127.0.0.1'], '127.0.0.1', { 'x-forwarded-proto': scheme }).origin).toBeUndefined();
  }
  for (const host of ['hub.example', 'hub.example:5000', '127.0.0.1:5000', '[::1]:5000', '[2001:db8::1]']) {
    expect(read([], '127.0.0.1', { host }).origin).toBe(`http://${host}`);
  }
});

test('a connection with TLS came by https', () => {
  const socket = { remoteAddress: '127.0.0.1', encrypted: true };
  expect(readOver(socket, []).origin).toBe('https://inner:5000');
});

test('a socket that is gone has no address and is trusted by nobody', () => {
  expect(read(['0.0.0.0/0'], undefined, forwarded)).toEqual({ origin: 'http://inner:5000', address: undefined });
});

test('what is neither an address nor a subnet is a TypeError at once', () => {
  for (const proxy of [
    'proxy.example',
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/x',
    '10.0.0.0/8/8',
    '*',
  ]) {
    expect(() => createOriginReader([proxy]), proxy).toThrow(TypeError);
  }
});
