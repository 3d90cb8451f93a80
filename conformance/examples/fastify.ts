import { doesNotMatch, match } from 'node:assert/strict';
import { pullAsTeam, pushAsAlice } from './namespaces.ts';
import { openPage } from './page.ts';
import type { Running, Scenario } from './scenario.ts';

/** Roles of the registry's own: alice has a namespace, and the team `web` (alice and bob, not carol) another one. */
export const fastify: Scenario = {
  name: 'fastify',
  cases: (example) => [
    {
      name: 'crane pushes to a namespace of its own user and of its team, and to no other',
      run: () => pushAsAlice(example, 'web/site:1'),
    },
    { name: 'a member of the team pulls, and a stranger is refused', run: () => pullAsTeam(example) },
    { name: 'the page shows what its reader may pull, and nothing else', run: () => show(example) },
  ],
};

async function show({ url }: Running): Promise<void> {
  match(await openPage(url, { user: 'alice', password: 'alice-key' }), /alice\/app:1\nweb\/site:1\n/);
  const ofBob = await openPage(url, { user: 'bob', password: 'bob-key' });
  match(ofBob, /web\/site:1/);
  doesNotMatch(ofBob, /alice\/app/);
  doesNotMatch(await openPage(url, { user: 'carol', password: 'carol-key' }), /web\/site/);
  await openPage(url, { user: 'alice', password: 'bob-key' }, { expect: 401 });
}
