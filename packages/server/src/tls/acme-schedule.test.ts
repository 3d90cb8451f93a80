import { expect, test } from 'vitest';
import { renewalMs, retryAfterStartMs, retryMs } from './acme-schedule.ts';

const minuteMs = 60_000;

test('a certificate is renewed once a third of its life is left', () => {
  const life = { validFromDate: new Date('2026-01-01T00:00:00Z'), validToDate: new Date('2026-03-31T00:00:00Z') };
  expect(new Date(renewalMs(life)).toISOString()).toBe('2026-03-01T08:00:00.000Z');
});

test('each wait is longer than the one before, up to half a day', () => {
  const waits = [1, 2, 3, 4, 5, 6, 300].map((count) => retryMs({ count, lastMs: 0 }) / minuteMs);
  expect(waits).toEqual([1, 5, 25, 125, 625, 720, 720]);
});

test('a server that is started again waits from its last attempt on, and no longer than Let’s Encrypt wants', () => {
  expect(retryAfterStartMs({ count: 1, lastMs: minuteMs }) / minuteMs).toBe(2);
  expect(retryAfterStartMs({ count: 9, lastMs: minuteMs }) / minuteMs).toBe(13);
});
