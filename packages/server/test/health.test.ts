import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { answerOther } from '../src/health.ts';

/** A server that answers as one whose storage is as `ready` says; returns its URL. */
async function startWith(ready: () => Promise<void>): Promise<string> {
  const server = createServer((request, response) => answerOther(request, response, { version: '1.2.3', ready }));
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('/readyz answers 503 while storage is not available, and /healthz still 200', async () => {
  const url = await startWith(() => Promise.reject(new Error('the flush failed')));
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, 'The storage is not available: see the log.\n']);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test('a request with a body that nobody reads ends its connection', async () => {
  const url = await startWith(() => Promise.resolve());
  expect((await fetch(url, { method: 'POST', body: 'x' })).headers.get('connection')).toBe('close');
  expect((await fetch(url)).headers.get('connection')).toBe('keep-alive');
});
