// Pushes and pulls real content with the clients that people use, against a fresh server: `npm run clients`.
// --url URL tests a registry that runs already (a peer, to compare); --only NAME makes one group of cases only.
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildFixtures } from './clients/fixtures.ts';
import { artifacts } from './clients/groups/artifacts.ts';
import { caches } from './clients/groups/caches.ts';
import { dockerFormats } from './clients/groups/docker.ts';
import { downloads } from './clients/groups/downloads.ts';
import { images } from './clients/groups/images.ts';
import { createLogins } from './clients/groups/logins.ts';
import { mounts } from './clients/groups/mounts.ts';
import { referrers } from './clients/groups/referrers.ts';
import { tags } from './clients/groups/tags.ts';
import { createWorld, type Group, type World } from './clients/world.ts';
import { createJudge, messageOf } from './judge.ts';
import { startServer, type TestServer, useServer } from './server.ts';

/** Groups on a server that is open to everyone, and the one on a server with accounts. */
const groups = [images, mounts, downloads, dockerFormats, caches, artifacts, referrers, tags, 'logins'] as const;
const nameOf = (group: (typeof groups)[number]) => (group === 'logins' ? group : group.name);
const shownCharacters = 2000;

const { judge, end } = createJudge(messageOf);

/** Runs the groups' cases in order. */
async function runGroups(world: World, chosen: readonly Group[]): Promise<void> {
  for (const group of chosen) {
    for (const { name, run } of group.cases) {
      if (!(await judge(`${group.name}: ${name}`, () => run(world)))) {
        const transcripts = world.takeTranscripts().map((transcript) => transcript.slice(-shownCharacters));
        console.log(`Commands of this case that succeeded before:\n${transcripts.join('\n')}`);
        console.log(`Server log ends with:\n${await world.server.lastLog()}\n`);
      }
      world.takeTranscripts();
    }
  }
}

const { values: options } = parseArgs({ options: { url: { type: 'string' }, only: { type: 'string' } } });
const chosen = groups.filter((group) => options.only === undefined || options.only === nameOf(group));
if (chosen.length === 0) throw new Error(`There is no group ${options.only}: ${groups.map(nameOf).join(', ')}.`);
const directory = await mkdtemp(join(tmpdir(), 'moorage-clients-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const fixtures = await buildFixtures(directory);

/** Runs groups against a server of their own, which is stopped afterwards. */
async function runOn(server: TestServer, groupsOf: () => Promise<readonly Group[]>): Promise<void> {
  try {
    const place = await mkdtemp(join(directory, 'world-'));
    await runGroups(await createWorld(place, server, fixtures), await groupsOf());
  } finally {
    await server.stop();
  }
}

const openGroups = chosen.filter((group) => group !== 'logins');
const server = options.url === undefined ? await startServer() : useServer(options.url);
await runOn(server, async () => openGroups);
// Accounts are Moorage's own: a registry that others started has none of these.
if (options.url === undefined && chosen.includes('logins')) {
  const guarded = await startServer({ accounts: ['alice', 'bob'] });
  await runOn(guarded, async () => [await createLogins(directory, guarded, fixtures)]);
}
end();
