import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { answerOther } from '../src/health.ts';
import type { LoginDocument } from '../src/identities/login-document.ts';

/** A server that answers as one whose storage is as `ready` says; returns its URL. */
async function startWith(ready: () => Promise<void>, loginDocument?: LoginDocument): Promise<string> {
  const about = { version: '1.2.3', ready, loginDocument };
  const server = createServer((request, response) => answerOther(request, response, about));
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

test('/.well-known/moorage says where people log in, and is not there where they do not', async () => {
  const path = '/.well-known/moorage';
  const ready = () => Promise.resolve();
  expect((await fetch(`${await startWith(ready)}${path}`)).status).toBe(404);
  const document = { issuer: 'https://id.example', clientId: 'moorage', scopes: ['openid'] };
  const answer = await fetch(`${await startWith(ready, document)}${path}`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json']);
  expect(await answer.json()).toEqual(document);
});
