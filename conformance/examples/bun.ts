import { doesNotMatch, match } from 'node:assert/strict';
import { createCaller, digestOf } from './caller.ts';
import { logInWithCrane, makeLayer } from './clients.ts';
import { provokeLimit } from './guesses.ts';
import { openPage } from './page.ts';
import type { Running, Scenario } from './scenario.ts';

const MiB = 1024 * 1024;
const alice = { user: 'alice', password: 'alice-key' };

/** Bun's own server, with keys of the application: `public/…` is for everyone to pull, everything else for the user with whose name it begins. */
export const bun: Scenario = {
  name: 'bun',
  cases: (example) => [
    { name: 'crane pushes to what begins with the name of its user, and to nothing else', run: () => push(example) },
    { name: 'what is public is pulled without a login, and what is private is not', run: () => pull(example) },
    { name: 'a layer may be larger than Bun takes by itself', run: () => pushLarge(example) },
    { name: 'the page shows what its reader may pull, and nothing else', run: () => show(example) },
    { name: 'what was pushed is there after a restart', run: () => restart(example) },
    { name: 'who guesses keys is bounded by address', run: () => provokeLimit(example) },
  ],
};

async function push({ host, home }: Running): Promise<void> {
  const desk = await home('alice');
  await logInWithCrane(desk, host, alice);
  const append = ['append', '--new_layer', await makeLayer(desk), '--new_tag'];
  await desk.run('crane', [...append, `${host}/alice/app:1`]);
  await desk.run('crane', [...append, `${host}/public/app:1`]);
  match(await desk.runRefused('crane', [...append, `${host}/bob/app:1`]), /DENIED: alice may not push to bob\/app\./);
}

async function pull({ host, home }: Running): Promise<void> {
  const nobody = await home('nobody');
  await nobody.run('crane', ['pull', `${host}/public/app:1`, 'pulled.tar']);
  match(await nobody.runRefused('crane', ['pull', `${host}/alice/app:1`, 'pulled.tar']), /UNAUTHORIZED/);
}

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
