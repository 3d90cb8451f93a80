import { expect, test } from 'vitest';
import { formatEntry, levelOf, logFault } from './log.ts';

test.each([
  ['GET', 200, 'debug'],
  ['HEAD', 404, 'debug'],
  ['GET', 404, 'info'],
  ['PUT', 201, 'info'],
  ['DELETE', 202, 'info'],
  ['PATCH', 416, 'info'],
  ['GET', 500, 'error'],
  ['PUT', 507, 'error'],
] as const)('%s answered %i is logged at %s', (method, status, level) => {
  expect(levelOf({ method, status })).toBe(level);
});

test('an entry is one line for people', () => {
  const entry = { level: 'info', time: '2026-11-24T20:26:08.123Z', method: 'PUT', status: 201, msg: 'request' };
  expect(formatEntry(JSON.stringify(entry))).toBe('20:26:08.123 INFO  request method=PUT status=201\n');
});

test('control characters of a client cannot forge a line', () => {
  const entry = { level: 'info', time: '2026-11-24T20:26:08.123Z', path: '/a\n20:26 ERROR\u001b[2J', msg: 'request' };
  expect(formatEntry(JSON.stringify(entry))).toBe('20:26:08.123 INFO  request path=/a?20:26 ERROR?[2J\n');
});

test('the stack of a fault follows its line', () => {
  const err = { type: 'Error', message: 'broken', stack: 'Error: broken\n    at somewhere' };
  const entry = { level: 'error', time: '2026-11-24T20:26:08.123Z', err, msg: 'fault' };
  expect(formatEntry(JSON.stringify(entry))).toBe('20:26:08.123 ERROR fault\nError: broken\n    at somewhere\n');
});

test('a fault is logged with its request, or as one that has none', () => {
  const logged: unknown[] = [];
  const log = { error: (...entry: unknown[]) => logged.push(entry) } as never;
  const error = new Error('broken');
  logFault(log, error, { requestId: '7', method: 'PUT', target: '/v2/' });
  logFault(log, error, undefined);
  expect(logged).toEqual([
    [{ requestId: '7', method: 'PUT', path: '/v2/', err: error }, 'fault'],
    [{ err: error }, 'fault beside requests'],
  ]);
});
