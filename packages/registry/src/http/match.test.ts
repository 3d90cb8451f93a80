import { expect, test } from 'vitest';
import { OciError } from '../oci/error.ts';
import { createMatcher, splitTarget } from './match.ts';
import { routes } from './routes.ts';

const match = createMatcher(routes, '/v2');
const endOf = (method: string, path: string): string => match({ method }, path).route.end;
const paramsOf = (method: string, path: string) => match({ method }, path).params;

/** The refusal of `act`. */
function refusalOf(act: () => unknown): OciError {
  try {
    act();
  } catch (error) {
    if (error instanceof OciError) return error;
    throw error;
  }
  throw new Error('It was not refused.');
}

test('every endpoint of the specification is found, with and without a slash at the end', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  for (const [method, path, end] of [
    ['GET', '/v2', 'end-1'],
    ['GET', `/v2/a/blobs/${digest}`, 'end-2'],
    ['HEAD', `/v2/a/blobs/${digest}`, 'end-2'],
    ['GET', '/v2/a/manifests/latest', 'end-3'],
    ['HEAD', '/v2/a/manifests/latest', 'end-3'],
    ['POST', '/v2/a/blobs/uploads', 'end-4'],
    ['PATCH', '/v2/a/blobs/uploads/1', 'end-5'],
    ['PUT', '/v2/a/blobs/uploads/1', 'end-6'],
    ['PUT', '/v2/a/manifests/latest', 'end-7'],
    ['GET', '/v2/a/tags/list', 'end-8'],
    ['DELETE', '/v2/a/manifests/latest', 'end-9'],
    ['DELETE', `/v2/a/blobs/${digest}`, 'end-10'],
    ['GET', `/v2/a/referrers/${digest}`, 'end-12'],
    ['GET', '/v2/a/blobs/uploads/1', 'end-13'],
    ['DELETE', '/v2/a/blobs/uploads/1', 'end-14'],
    ['GET', '/v2/_catalog', 'catalog'],
  ] as const) {
    expect([path, endOf(method, path), endOf(method, `${path}/`)]).toEqual([path, end, end]);
  }
});

test('a name takes as many segments as it can', () => {
  expect(paramsOf('GET', '/v2/a/b/c/manifests/latest')).toMatchObject({ name: 'a/b/c', reference: 'latest' });
  expect(paramsOf('GET', '/v2/manifests/manifests/manifests')).toMatchObject({ name: 'manifests' });
  expect(paramsOf('GET', '/v2/a/blobs/uploads/tags/list')).toMatchObject({ name: 'a/blobs/uploads' });
});

test('a reference is decoded and a name is not', () => {
  expect(paramsOf('GET', '/v2/a%2Fb/manifests/sha256%3Aabc')).toMatchObject({
    name: 'a%2Fb',
    reference: 'sha256:abc',
  });
  expect(refusalOf(() => match({ method: 'GET' }, '/v2/a/manifests/%zz'))).toMatchObject({ status: 400 });
});

test('a path that is no endpoint is 404', () => {
  for (const path of ['/v2/a', '/v2/a/manifests', '/v2/a/tags', '/v2/a/tags/list/b', '/v2//', '/v3/', '/', '']) {
    const { status, code } = refusalOf(() => match({ method: 'GET' }, path));
    expect([path, status, code]).toEqual([path, 404, 'UNSUPPORTED']);
  }
});

test('a method that an endpoint does not have is 405 with the ones that it has', () => {
  for (const [method, path, allow] of [
    ['POST', '/v2/', 'GET, HEAD'],
    ['DELETE', '/v2/_catalog', 'GET, HEAD'],
    ['GET', '/v2/a/blobs/uploads/', 'POST'],
    ['HEAD', '/v2/a/blobs/uploads/', 'POST'],
    ['POST', '/v2/a/blobs/uploads/1', 'GET, HEAD, PATCH, PUT, DELETE'],
    ['PATCH', '/v2/a/blobs/sha256:a', 'GET, HEAD, DELETE'],
    ['POST', '/v2/a/manifests/latest', 'GET, HEAD, PUT, DELETE'],
    ['PUT', '/v2/a/tags/list', 'GET, HEAD'],
    ['OPTIONS', '/v2/a/referrers/sha256:a', 'GET, HEAD'],
    ['get', '/v2/', 'GET, HEAD'],
  ] as const) {
    const { status, headers } = refusalOf(() => match({ method }, path));
    expect([method, path, status, headers]).toEqual([method, path, 405, { Allow: allow }]);
  }
});

test('a prefix is taken word for word', () => {
  const under = createMatcher(routes, '/registry.v2');
  expect(under({ method: 'GET' }, '/registry.v2/a/tags/list').params.name).toBe('a');
  expect(refusalOf(() => under({ method: 'GET' }, '/registryxv2/a/tags/list')).status).toBe(404);
});

test('a path of any kind is matched in a time that its length does not multiply', () => {
  const path = `/v2/${'/manifests'.repeat(1600)}`;
  const before = process.cpuUsage();
  expect(endOf('GET', path)).toBe('end-3');
  refusalOf(() => match({ method: 'GET' }, `${path}//`));
  expect(process.cpuUsage(before).user).toBeLessThan(500_000);
});

test('a target is split at its first question mark, and 414 beyond 16 KiB', () => {
  expect(splitTarget('/v2/?a=?&b')).toEqual({ path: '/v2/', query: 'a=?&b' });
  expect(splitTarget('/v2/')).toEqual({ path: '/v2/', query: '' });
  expect(splitTarget(`/${'a'.repeat(16 * 1024 - 1)}`).path).toHaveLength(16 * 1024);
  expect(refusalOf(() => splitTarget(`/v2/?${'a'.repeat(16 * 1024)}`))).toMatchObject({ status: 414 });
});
