import { expect, test } from 'vitest';
import { bad, formatFinding } from './finding.ts';
import { recognizeHops, recognizeMaker } from './hops.ts';
import { remediesFor } from './remedies.ts';

test('hops are known by Server, Via and CF-Ray, each once and the nearest first', () => {
  const headers = { 'cf-ray': '8a1-FRA', server: 'cloudflare', via: '1.1 Caddy, 2.0 varnish' };
  expect(recognizeHops({ headers }).map(({ name, product }) => [name, product])).toEqual([
    ['Cloudflare', 'Cloudflare'],
    ['Caddy', 'Caddy'],
    ['varnish', undefined],
  ]);
  expect(recognizeHops({ headers: { server: 'openresty/1.25' } })[0]?.product).toBe('nginx');
  expect(recognizeHops({ headers: {} })).toEqual([]);
});

test.each([
  ['nginx', { status: 413, headers: { server: 'cloudflare', 'cf-ray': 'x' }, text: '<hr><center>nginx</center>' }],
  ['Cloudflare', { status: 413, headers: { server: 'cloudflare' }, text: '<center>cloudflare</center>' }],
  ['Traefik', { status: 404, headers: {}, text: '404 page not found\n' }],
  ['Caddy', { status: 404, headers: { server: 'Caddy' }, text: '404 page not found\n' }],
])('an answer that is an error says who made it, by its page before its headers: %s', (product, answer) => {
  expect(recognizeMaker(answer)?.product).toBe(product);
});

test('what nobody signed has no maker', () => {
  expect(recognizeMaker({ status: 404, headers: {}, text: '' })).toBeUndefined();
});

test('the line to change is that of the hop, and of all four where none is known', () => {
  const nginx = recognizeHops({ headers: { server: 'nginx/1.26' } });
  expect(remediesFor('body-size', nginx)).toEqual(['nginx: client_max_body_size 0;']);
  expect(remediesFor('body-size', []).map((line) => line.split(':')[0])).toEqual([
    'nginx',
    'Caddy',
    'Traefik',
    'Cloudflare',
  ]);
  expect(remediesFor('scheme', nginx).at(-1)).toMatch(/^Moorage: --public-url/);
});

test('what servers send cannot move the cursor of a terminal', () => {
  expect(formatFinding(bad('TLS', 'a\u001b[2Jb\nc', ['d\re']))).toBe(
    'FAIL  TLS            a [2Jb c\n                     -> d e',
  );
});
