import { doesNotMatch, match } from 'node:assert/strict';
import { logInWithCrane, makeLayer } from './clients.ts';
import { openPage } from './page.ts';
import type { Running, Scenario } from './scenario.ts';

/** A decision of the application's own: `public/…` is for everyone to pull, everything else for the user with whose name it begins. */
export const hono: Scenario = {
  name: 'hono',
  cases: (example) => [
    { name: 'crane pushes to what begins with the name of its user, and to nothing else', run: () => push(example) },
    { name: 'what is public is pulled without a login, and what is private is not', run: () => pull(example) },
    { name: 'the page shows what its reader may pull, and nothing else', run: () => show(example) },
  ],
};

async function push({ host, home }: Running): Promise<void> {
  const alice = await home('alice');
  await logInWithCrane(alice, host, { user: 'alice', password: 'alice-key' });
  const append = ['append', '--new_layer', await makeLayer(alice), '--new_tag'];
  await alice.run('crane', [...append, `${host}/alice/app:1`]);
  await alice.run('crane', [...append, `${host}/public/app:1`]);
  match(await alice.runRefused('crane', [...append, `${host}/bob/app:1`]), /DENIED: alice may not push to bob\/app\./);
}

async function pull({ host, home }: Running): Promise<void> {
  const nobody = await home('nobody');
  await nobody.run('crane', ['pull', `${host}/public/app:1`, 'pulled.tar']);
  match(await nobody.runRefused('crane', ['pull', `${host}/alice/app:1`, 'pulled.tar']), /UNAUTHORIZED/);
}

async function show({ url }: Running): Promise<void> {
  match(await openPage(url, { user: 'alice', password: 'alice-key' }), /alice\/app:1\npublic\/app:1\n/);
  const ofBob = await openPage(url, { user: 'bob', password: 'bob-key' });
  match(ofBob, /public\/app:1/);
  doesNotMatch(ofBob, /alice\/app/);
  await openPage(url, { user: 'alice', password: 'bob-key' }, { expect: 401 });
}
