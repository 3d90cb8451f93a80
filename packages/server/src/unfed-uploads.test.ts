import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchUnfedUploads } from './unfed-uploads.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start() {
  const warn = vi.fn();
  const { seeRequest } = watchUnfedUploads({ warn }, Date.now);
  const open = (name = 'acme/web', status = 202) =>
    seeRequest({ method: 'POST', target: `/v2/${name}/blobs/uploads/`, status });
  const feed = (session: string, method = 'PATCH') =>
    seeRequest({ method, target: `/v2/acme/web/blobs/uploads/${session}?x=y`, status: 202 });
  return { warn, open, feed };
}

test('three uploads to a repository that are never fed are told once, with the line of each proxy', () => {
  const { warn, open } = start();
  for (let count = 0; count < 5; count += 1) open();
  vi.advanceTimersByTime(10_000);
  expect(warn).toHaveBeenCalledTimes(1);
  expect(warn.mock.calls[0]?.[0]).toMatchObject({
    repository: 'acme/web',
    uploads: 5,
    nginx: expect.stringMatching(/client_max_body_size 0; proxy_request_buffering off;/),
    Cloudflare: expect.stringContaining('--chunk'),
  });
});

test('it is told again after ten minutes and not before', () => {
  const { warn, open } = start();
  for (let minute = 0; minute < 12; minute += 1) {
    for (let count = 0; count < 3; count += 1) open();
    vi.advanceTimersByTime(60_000);
  }
  expect(warn).toHaveBeenCalledTimes(2);
});

test('uploads that are fed or cancelled are no pattern, however many requests feed each', () => {
  const { warn, open, feed } = start();
  for (const session of ['a', 'b', 'c', 'd']) {
    open();
    feed(session);
    feed(session);
    feed(session, session === 'a' ? 'DELETE' : 'PUT');
  }
  open();
  open();
  vi.advanceTimersByTime(60_000);
  expect(warn).not.toHaveBeenCalled();
});

test('what is refused, far apart, or of other repositories is no pattern', () => {
  const { warn, open } = start();
  for (let count = 0; count < 9; count += 1) open('acme/web', 401);
  for (const name of ['a', 'b', 'c']) open(name);
  for (let count = 0; count < 9; count += 1) {
    open('slow');
    vi.advanceTimersByTime(160_000);
  }
  expect(warn).not.toHaveBeenCalled();
});
