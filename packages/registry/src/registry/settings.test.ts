import { expect, test } from 'vitest';
import { withDefaults } from './settings.ts';

test('without a word every setting has its default', () => {
  expect(withDefaults({})).toEqual({
    uploads: { ttlSeconds: 86_400, contentTypes: [] },
    push: { leaseSeconds: 86_400 },
    manifests: {
      maxBytes: 4 * 1024 * 1024,
      sparse: false,
      defaultMediaType: 'application/vnd.oci.image.manifest.v1+json',
    },
    deletes: { manifests: true, blobs: true },
    tokens: { ttlSeconds: 300 },
    repositories: { visibility: 'private' },
  });
});

test('a setting leaves the others of its group as they are', () => {
  const { manifests, deletes } = withDefaults({ manifests: { sparse: true }, deletes: { blobs: false } });
  expect(manifests).toMatchObject({ sparse: true, maxBytes: 4 * 1024 * 1024 });
  expect(deletes).toEqual({ manifests: true, blobs: false });
});

test('what is not a setting stays out', () => {
  const options = { access: 'open', deletes: { blobs: false } } as const;
  expect(Object.keys(withDefaults(options))).toEqual([
    'uploads',
    'push',
    'manifests',
    'deletes',
    'tokens',
    'repositories',
  ]);
});
