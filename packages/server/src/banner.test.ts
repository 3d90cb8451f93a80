import { expect, test } from 'vitest';
import { firstPushLines, pushedReference, readyLines } from './banner.ts';

const endpoint = { url: new URL('http://127.0.0.1:5000'), loopback: true, user: undefined };
const start = {
  version: '1.2.3',
  readyMs: 314.2,
  data: '/srv/data',
  address: endpoint.url.origin,
  endpoint,
  login: undefined,
  searchPath: '',
};

test('the first lines tell the time, the directory, the address and what to type', () => {
  const lines = readyLines({ ...start, isEmpty: true });
  expect(lines[0]).toBe('Moorage 1.2.3 is ready after 0.31 s.');
  expect(lines.join('\n')).toContain('data     /srv/data\n');
  expect(lines.join('\n')).toContain('address  http://127.0.0.1:5000\n');
  expect(lines.join('\n')).toContain('http://127.0.0.1:5000/v2/hello/manifests/1\n');
  expect(lines.at(-1)).toBe('Waiting for your first push …');
});

test('behind a proxy the public URL stands beside the address, and in what to type', () => {
  const behind = { url: new URL('https://hub.example.com'), loopback: false, user: undefined };
  const lines = readyLines({ ...start, endpoint: behind, isEmpty: true }).join('\n');
  expect(lines).toContain('address  http://127.0.0.1:5000, for clients https://hub.example.com\n');
  expect(lines).toContain('https://hub.example.com/v2/hello/manifests/1\n');
});

test('who has pushed before is not told how', () => {
  expect(readyLines({ ...start, isEmpty: false }).join('\n')).not.toMatch(/push something|first push/i);
});

test('where people log in the lines say how, before what to push', () => {
  const login = { name: 'alice' };
  const lines = readyLines({ ...start, login, endpoint: { ...endpoint, user: 'alice' }, isEmpty: true });
  expect(lines).toContain('  access   by login: curl -u alice http://127.0.0.1:5000/v2/');
  expect(lines).toContain('Log in and push something to it, from another terminal:');
  expect(lines.join('\n')).not.toMatch(/password/);
});

test('the password of the first administrator stands alone in its line', () => {
  const login = { name: 'admin', password: 'x7_-Q' };
  const lines = readyLines({ ...start, login, endpoint: { ...endpoint, user: 'admin' }, isEmpty: true });
  expect(lines.filter((line) => line.includes('x7_-Q'))).toEqual(['  x7_-Q']);
});

test('the first push is told with the command that pulls it', () => {
  expect(firstPushLines('acme/web:1', { endpoint, searchPath: '' })).toEqual([
    'Your first push came: acme/web:1. Pull it with:',
    '  curl http://127.0.0.1:5000/v2/acme/web/manifests/1',
  ]);
});

test.each([
  [{ method: 'PUT', target: '/v2/acme/web/manifests/1', status: 201 }, 'acme/web:1'],
  [{ method: 'PUT', target: '/v2/a/manifests/sha256:ab?tag=1', status: 201 }, 'a@sha256:ab'],
  [{ method: 'PUT', target: '/v2/manifests/manifests/1', status: 201 }, 'manifests:1'],
  [{ method: 'PUT', target: '/v2/a/manifests/1', status: 404 }, undefined],
  [{ method: 'GET', target: '/v2/a/manifests/1', status: 200 }, undefined],
  [{ method: 'PUT', target: '/v2/a/blobs/uploads/1?digest=x', status: 201 }, undefined],
])('%j pushed %s', (request, expected) => {
  expect(pushedReference(request)).toBe(expected);
});
