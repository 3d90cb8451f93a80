import { match } from 'node:assert/strict';
import { logInWithCrane, makeLayer } from './clients.ts';
import type { Running } from './scenario.ts';

/** Alice pushes below her own name and to `shared`, and not below the name of bob. */
export async function pushAsAlice({ host, home }: Running, shared: string): Promise<void> {
  const alice = await home('alice');
  await logInWithCrane(alice, host, { user: 'alice', password: 'alice-key' });
  const append = ['append', '--new_layer', await makeLayer(alice), '--new_tag'];
  await alice.run('crane', [...append, `${host}/alice/app:1`]);
  await alice.run('crane', [...append, `${host}/${shared}`]);
  match(await alice.runRefused('crane', [...append, `${host}/bob/app:1`]), /DENIED: alice may not push to bob\/app\./);
}

/** Nobody needs a login for what is public, and nobody without one gets what is alice's. */
export async function pullAsNobody({ host, home }: Running): Promise<void> {
  const nobody = await home('nobody');
  await nobody.run('crane', ['pull', `${host}/public/app:1`, 'pulled.tar']);
  match(await nobody.runRefused('crane', ['pull', `${host}/alice/app:1`, 'pulled.tar']), /UNAUTHORIZED/);
}

/** Bob, of the team `web`, pulls what is the team's and not what is alice's; carol, who is not of it, neither. */
export async function pullAsTeam({ host, home }: Running): Promise<void> {
  const [bob, carol] = [await home('bob'), await home('carol')];
  await logInWithCrane(bob, host, { user: 'bob', password: 'bob-key' });
  await logInWithCrane(carol, host, { user: 'carol', password: 'carol-key' });
  await bob.run('crane', ['pull', `${host}/web/site:1`, 'pulled.tar']);
  match(await bob.runRefused('crane', ['pull', `${host}/alice/app:1`, 'pulled.tar']), /NAME_UNKNOWN/);
  match(await carol.runRefused('crane', ['pull', `${host}/web/site:1`, 'pulled.tar']), /NAME_UNKNOWN/);
}
