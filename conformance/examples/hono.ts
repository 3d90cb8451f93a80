import { doesNotMatch, match } from 'node:assert/strict';
import { pullAsNobody, pushAsAlice } from './namespaces.ts';
import { openPage } from './page.ts';
import type { Running, Scenario } from './scenario.ts';

/** A decision of the application's own: `public/…` is for everyone to pull, everything else for the user with whose name it begins. */
export const hono: Scenario = {
  name: 'hono',
  cases: (example) => [
    {
      name: 'crane pushes to what begins with the name of its user, and to nothing else',
      run: () => pushAsAlice(example, 'public/app:1'),
    },
    { name: 'what is public is pulled without a login, and what is private is not', run: () => pullAsNobody(example) },
    { name: 'the page shows what its reader may pull, and nothing else', run: () => show(example) },
  ],
};

async function show({ url }: Running): Promise<void> {
  match(await openPage(url, { user: 'alice', password: 'alice-key' }), /alice\/app:1\npublic\/app:1\n/);
  const ofBob = await openPage(url, { user: 'bob', password: 'bob-key' });
  match(ofBob, /public\/app:1/);
  doesNotMatch(ofBob, /alice\/app/);
  await openPage(url, { user: 'alice', password: 'bob-key' }, { expect: 401 });
}
