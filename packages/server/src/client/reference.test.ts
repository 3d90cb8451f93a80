import { expect, test } from 'vitest';
import { formatReference, parseHost, parseReference } from './reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

test.each([
  ['demo', '127.0.0.1:5000', 'demo', 'latest', undefined],
  ['demo/docs:1', '127.0.0.1:5000', 'demo/docs', '1', undefined],
  ['localhost/a:b', 'localhost', 'a', 'b', undefined],
  ['localhost:5001/a', 'localhost:5001', 'a', 'latest', undefined],
  ['hub.example.com/a/b/c:v1.0', 'hub.example.com', 'a/b/c', 'v1.0', undefined],
  ['[::1]:5000/a', '[::1]:5000', 'a', 'latest', undefined],
  [`hub.example.com:8443/a@${digest}`, 'hub.example.com:8443', 'a', undefined, digest],
  [`a/b:1@${digest}`, '127.0.0.1:5000', 'a/b', '1', digest],
  ['docker.io/alpine', 'docker.io', 'library/alpine', 'latest', undefined],
  ['docker.io/grafana/loki:3', 'docker.io', 'grafana/loki', '3', undefined],
])('%s is read as people mean it', (text, ...[host, repository, tag, wanted]) => {
  expect(parseReference(text)).toEqual({ host, repository, tag, digest: wanted });
});

test.each([
  ['https://hub.example.com/a', /begins with a scheme/],
  ['docker://a', /begins with a scheme/],
  ['', /not a repository name/],
  ['a/../b', /not a repository name/],
  ['Demo', /lower-case/],
  ['a:', /not a tag/],
  ['a:b:c', /not a tag/],
  ['a@sha256:12', /not a digest/],
  ['a@', /not a digest/],
  ['exa mple.com/a', /not a host/],
  ['evil.com?x=/a', /not a host/],
  ['user@evil.com/a', /not a host/],
  ['a\nb', /not a repository name/],
])('%j is refused with a sentence', (text, sentence) => {
  expect(() => parseReference(text)).toThrow(sentence);
});

test('a reference is written in full', () => {
  expect(formatReference(parseReference('demo/docs:1'))).toBe('127.0.0.1:5000/demo/docs:1');
  expect(formatReference(parseReference(`demo/docs:1@${digest}`))).toBe(`127.0.0.1:5000/demo/docs:1@${digest}`);
});

test('a host may be typed as a URL', () => {
  expect(parseHost('https://hub.example.com/v2/')).toBe('hub.example.com');
  expect(parseHost('127.0.0.1:5000')).toBe('127.0.0.1:5000');
  expect(() => parseHost('hub.example.com/acme')).toThrow(/is not a registry/);
});
