import { doesNotMatch, match } from 'node:assert/strict';
import { createCaller, digestOf } from './caller.ts';
import { provokeLimit } from './guesses.ts';
import { pullAsNobody, pushAsAlice } from './namespaces.ts';
import { openPage } from './page.ts';
import type { Running, Scenario } from './scenario.ts';

const MiB = 1024 * 1024;
const alice = { user: 'alice', password: 'alice-key' };

/** Bun's own server, with keys of the application: `public/…` is for everyone to pull, everything else for the user with whose name it begins. */
export const bun: Scenario = {
  name: 'bun',
  cases: (example) => [
    {
      name: 'crane pushes to what begins with the name of its user, and to nothing else',
      run: () => pushAsAlice(example, 'public/app:1'),
    },
    { name: 'what is public is pulled without a login, and what is private is not', run: () => pullAsNobody(example) },
    { name: 'a layer may be larger than Bun takes by itself', run: () => pushLarge(example) },
    { name: 'the page shows what its reader may pull, and nothing else', run: () => show(example) },
    { name: 'what was pushed is there after a restart', run: () => restart(example) },
    { name: 'who guesses keys is bounded by address', run: () => provokeLimit(example) },
  ],
};

async function pushLarge({ url }: Running): Promise<void> {
  const content = new Uint8Array(129 * MiB).fill(7);
  const digest = digestOf(content);
  const caller = createCaller(url, alice);
  const started = await caller.ask('POST', { path: 'alice/app/blobs/uploads/', expect: 202 });
  const path = `${started.headers.get('location')}?digest=${digest}`;
  await caller.ask('PUT', {
    path,
    headers: { 'Content-Type': 'application/octet-stream' },
    body: content,
    expect: 201,
  });
  const pulled = await caller.ask('GET', { path: `alice/app/blobs/${digest}`, expect: 200 });
  match(digestOf(await pulled.bytes()), new RegExp(digest));
}

async function show({ url }: Running): Promise<void> {
  match(await openPage(url, alice), /alice\/app:1 since .*\npublic\/app:1 since .*\n/);
  const ofBob = await openPage(url, { user: 'bob', password: 'bob-key' });
  match(ofBob, /public\/app:1/);
  doesNotMatch(ofBob, /alice\/app/);
  await openPage(url, { user: 'alice', password: 'bob-key' }, { expect: 401 });
}

async function restart(example: Running): Promise<void> {
  await example.restart();
  const desk = await example.home('alice');
  await desk.run('crane', ['pull', `${example.host}/alice/app:1`, 'again.tar']);
}
