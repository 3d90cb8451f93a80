import { afterEach, expect, test } from 'vitest';
import { openTestRegistry, sha256, type TestRegistry } from '../../test/support/registry.ts';
import type { PullCount, RegistryEvent } from '../index.ts';

let opened: TestRegistry;
afterEach(() => expect(opened.faults).toEqual([]));

const at = '/v2/acme/web/manifests/';
const pullsOf = (events: readonly RegistryEvent[]): readonly (readonly PullCount[])[] =>
  events.flatMap((event) => (event.type === 'pulled' ? [event.pulls] : []));

function openHeard(): RegistryEvent[] {
  const events: RegistryEvent[] = [];
  opened = openTestRegistry({ after: (event) => void events.push(event) });
  return events;
}

test('pulls are told together, by manifest, tag and caller; HEAD, 304 and blobs are none', async () => {
  const events = openHeard();
  const { digest } = await opened.pushImage('acme/web', 'a');
  for (const reference of ['a', 'a', digest]) await opened.call('GET', `${at}${reference}`);
  await opened.call('HEAD', `${at}a`);
  await opened.call('GET', `${at}a`, { headers: { 'if-none-match': `"${digest}"` } });
  await opened.call('GET', `/v2/acme/web/blobs/${sha256('{}')}`);
  await opened.call('GET', `${at}missing`);
  await opened.close();
  const pull = { repository: 'acme/web', digest, by: undefined };
  expect(pullsOf(events)).toEqual([
    [
      { ...pull, tag: 'a', count: 2 },
      { ...pull, tag: undefined, count: 1 },
    ],
  ]);
});

test('pulls are told after five seconds at the next pull, and what comes then is gathered anew', async () => {
  const events = openHeard();
  await opened.pushImage('acme/web', 'a');
  for (const waitMs of [0, 5_000, 0]) {
    opened.advance(waitMs);
    await opened.call('GET', `${at}a`);
  }
  await new Promise(setImmediate);
  expect(pullsOf(events).map((pulls) => pulls.map(({ count }) => count))).toEqual([[2]]);
  await opened.close();
  expect(pullsOf(events).map((pulls) => pulls.map(({ count }) => count))).toEqual([[2], [1]]);
});

test('usage has pulls and the bytes in answers, ranges as long as they were', async () => {
  opened = openTestRegistry();
  const { bytes } = await opened.pushImage('acme/web', 'a');
  await opened.call('GET', `${at}a`);
  await opened.call('GET', `/v2/acme/web/blobs/${sha256('layer of a')}`);
  await opened.call('GET', `/v2/acme/web/blobs/${sha256('layer of a')}`, { headers: { range: 'bytes=0-3' } });
  await opened.call('HEAD', `/v2/acme/web/blobs/${sha256('layer of a')}`);
  const usage = await opened.registry.usage('acme/web');
  expect(usage).toMatchObject({ pulls: 1, sentBytes: bytes.byteLength + 'layer of a'.length + 4 });
});
