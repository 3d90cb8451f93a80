import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { createPace, movedBytes } from './minimum-rate.ts';

const rate = { bytesPerSecond: 1000, windowMs: 60_000 };
const request = {};

/** Looks at the given seconds, each with what has moved by then; returns the second at which the client was too slow. */
function endOf(looks: readonly (readonly [seconds: number, movedBytes: number])[]): number | undefined {
  const isTooSlow = createPace(rate);
  return looks.find(([seconds, moved]) =>
    isTooSlow(seconds * 1000, { request, isClientsTurn: true, movedBytes: moved }),
  )?.[0];
}

test.each([
  [
    'that sends a byte a second',
    [
      [5, 0],
      [20, 15],
      [50, 45],
      [65, 60],
    ],
    65,
  ],
  [
    'just below the rate',
    [
      [0, 500],
      [60, 60_499],
    ],
    60,
  ],
  [
    'at the rate',
    [
      [0, 500],
      [60, 60_500],
      [120, 120_500],
    ],
    undefined,
  ],
  [
    'that makes a pause of 50 s good',
    [
      [0, 0],
      [50, 0],
      [60, 60_000],
    ],
    undefined,
  ],
  [
    'that was fast before',
    [
      [0, 0],
      [60, 9_000_000],
      [90, 9_000_000],
      [120, 9_000_000],
    ],
    120,
  ],
  [
    'is looked at late and was slow all the time',
    [
      [0, 0],
      [600, 599_000],
    ],
    600,
  ],
] as const)('a client %s', (_, looks, end) => {
  expect(endOf(looks)).toBe(end);
});

test('a window begins with the request, and again after the client waited for the server', () => {
  const isTooSlow = createPace(rate);
  const slow = { request, isClientsTurn: true, movedBytes: 0 };
  expect(isTooSlow(0, slow)).toBe(false);
  expect(isTooSlow(50_000, { ...slow, isClientsTurn: false })).toBe(false);
  expect(isTooSlow(60_000, slow)).toBe(false);
  expect(isTooSlow(110_000, { ...slow, request: {} })).toBe(false);
  expect(isTooSlow(120_000, slow)).toBe(false);
  expect(isTooSlow(179_999, slow)).toBe(false);
  expect(isTooSlow(180_000, slow)).toBe(true);
});

test('of a write that the client takes slowly, what it took counts', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  const [socket] = (await once(server, 'connection')) as [Socket];
  socket.once('error', () => undefined); // of the client that goes away at the end
  const sizeBytes = 32 * 1024 * 1024;
  socket.write(new Uint8Array(sizeBytes));
  const before = movedBytes(socket);
  expect(before).toBeLessThan(sizeBytes);
  client.resume();
  while (movedBytes(socket) === before) await new Promise((resolve) => setImmediate(resolve));
  expect(socket.bytesWritten).toBe(sizeBytes);
  client.write('hello');
  socket.once('data', () => undefined);
  while (movedBytes(socket) < sizeBytes + 5) await new Promise((resolve) => setImmediate(resolve));
  client.destroy();
  server.close();
});
