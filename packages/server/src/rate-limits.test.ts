import type { LimitRequest } from '@moorage/registry';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLimit } from './rate-limits.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const none = { 'rateLimits.address': undefined, 'rateLimits.identity': undefined, 'rateLimits.endpoints': [] };
const twoAMinute = { count: 2, seconds: 60 };

/** A request that arrived. */
const request = (changed: Partial<LimitRequest> = {}): LimitRequest => ({
  ...{ stage: 'arrived', identity: undefined, address: '192.0.2.1', end: 'end-3', method: 'GET' },
  ...changed,
});
/** A request of which it is known who sent it. */
const as = (id: string) => ({ stage: 'identified', identity: { id } }) as const;

/** The limit by settings that limit something. */
function limitBy(settings: Parameters<typeof createLimit>[0]) {
  const limit = createLimit(settings);
  if (limit === undefined) throw new Error('These settings limit nothing.');
  return limit;
}

test('without settings nobody is counted', () => {
  expect(createLimit(none)).toBeUndefined();
});

test('the request after the last one waits for the rest of the period, and no longer for asking again', async () => {
  const limit = limitBy({ ...none, 'rateLimits.address': twoAMinute });
  expect([await limit(request()), await limit(request())]).toEqual([undefined, undefined]);
  expect(await limit(request(as('alice')))).toBeUndefined();
  vi.advanceTimersByTime(20_000);
  expect([await limit(request()), await limit(request())]).toEqual([40, 40]);
  expect(await limit(request({ address: '192.0.2.2' }))).toBeUndefined();
  vi.advanceTimersByTime(40_000);
  expect(await limit(request())).toBeUndefined();
});

test('who has one address of an IPv6 network has all of them', async () => {
  const limit = limitBy({ ...none, 'rateLimits.address': { count: 1, seconds: 60 } });
  const outcome = async (address: string) => ((await limit(request({ address }))) === undefined ? 'free' : 'waits');
  expect(await outcome('2001:db8:0:1::1')).toBe('free');
  expect(await outcome('2001:db8:0:1:2:3:4:5')).toBe('waits');
  expect(await outcome('2001:db8:0:2::1')).toBe('free');
  expect(await outcome('2001:db8::1')).toBe('free');
  expect(await outcome('2001:db8::2:0:0:1')).toBe('waits');
  expect(await outcome('2001:db8:1::')).toBe('free');
});

test('an identity is counted wherever it comes from, and nobody logged in is not', async () => {
  const limit = limitBy({ ...none, 'rateLimits.identity': twoAMinute });
  for (const address of ['192.0.2.1', '192.0.2.2']) await limit(request({ ...as('alice'), address }));
  expect(await limit(request({ ...as('alice'), address: '192.0.2.3' }))).toBe(60);
  expect(await limit(request(as('bob')))).toBeUndefined();
  for (let i = 0; i < 3; i++) expect(await limit(request())).toBeUndefined();
});

test('an endpoint counts each identity, or else each address, for itself', async () => {
  const rates = [
    { ...twoAMinute, end: 'end-7' },
    { count: 3, seconds: 3600, end: 'end-7' },
  ];
  const limit = limitBy({ ...none, 'rateLimits.endpoints': rates });
  const push = (changed: Partial<LimitRequest>) => limit(request({ stage: 'identified', ...changed, end: 'end-7' }));
  for (let i = 0; i < 2; i++) expect(await push(as('192.0.2.1'))).toBeUndefined();
  expect(await push(as('192.0.2.1'))).toBe(60);
  expect(await push({})).toBeUndefined();
  expect(await limit(request(as('192.0.2.1')))).toBeUndefined();
  vi.advanceTimersByTime(60_000);
  expect([await push(as('192.0.2.1')), await push(as('192.0.2.1'))]).toEqual([undefined, 3540]);
});
