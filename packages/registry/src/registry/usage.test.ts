import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestRegistry } from '../../test/support/registry.ts';

const opened = openTestRegistry();
const { registry } = opened;
const config = '{}'.length;
const layer = 'layer of a'.length;
let manifest = 0;
let other = 0;

beforeAll(async () => {
  manifest = (await opened.pushImage('acme/web', 'a')).bytes.byteLength;
  await opened.pushImage('acme/team/api', 'a');
  await opened.pushImage('acmes/web', 'a');
  other = (await opened.pushImage('solo', 'only')).bytes.byteLength;
});
afterAll(() => opened.close());

const nothingSent = { pulls: 0, sentBytes: 0 };

test('a namespace at every depth counts each blob once, apart from what others hold, too', async () => {
  expect(await registry.usage('acme/*')).toEqual({
    ...{ repositories: 2, manifests: 2, tags: 2, ...nothingSent },
    uniqueBytes: 2 * manifest,
    sharedBytes: config + layer,
  });
});

test('a repository by its name is itself alone', async () => {
  expect(await registry.usage('solo')).toEqual({
    ...{ repositories: 1, manifests: 1, tags: 1, ...nothingSent },
    uniqueBytes: other + 'layer of only'.length,
    sharedBytes: config,
  });
});

test('without a pattern it is everything, and nothing is shared', async () => {
  expect(await registry.usage()).toEqual({
    ...{ repositories: 4, manifests: 4, tags: 4, ...nothingSent },
    uniqueBytes: 3 * manifest + other + config + layer + 'layer of only'.length,
    sharedBytes: 0,
  });
});

test('what is not there is zero, and what is no name is NAME_INVALID', async () => {
  expect(await registry.usage('nobody/*')).toMatchObject({ repositories: 0, uniqueBytes: 0 });
  await expect(registry.usage('No Name')).rejects.toMatchObject({ code: 'NAME_INVALID' });
});

test('more blobs than are read at once are all counted', async () => {
  const count = 1_203;
  for (let n = 0; n < count; n += 1)
    await registry.pushBlob('many/blobs', new TextEncoder().encode(`blob ${10_000 + n}`));
  expect(await registry.usage('many/*')).toMatchObject({ repositories: 1, uniqueBytes: count * 'blob 10000'.length });
});
