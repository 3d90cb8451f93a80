import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { unlessUnanswered } from './ask.ts';
import { findFaults, goOnWithUploads, withRegistry } from './check.ts';
import type { Fact } from './ledger.ts';
import { createRandom } from './random.ts';
import { startProcess } from './server-process.ts';
import { createWorld, reconnect } from './world.ts';

/** What kills of one server, on one directory, came to. */
export interface KillResult {
  readonly faults: readonly string[];
  readonly inStart: number;
  /** Uploads that went on from where the server said they were. */
  readonly resumed: number;
  /** Sessions and files that the sweep took. */
  readonly swept: number;
  /** Blobs, manifests, tags and sessions that were checked after each start. */
  readonly cells: number;
}

/** How long a server works at most before it is killed, in ms. */
const workMs = 400;
const isPromised = ({ promisedBy }: Fact) => promisedBy !== undefined;

/** Kills a server `kills` times at random moments of its start or under load. After each it starts again and keeps every promise; in the end all interrupted uploads go
 *  on, and a sweep leaves nothing that nobody needs. */
export async function killOften(options: {
  readonly directory: string;
  readonly seed: number;
  readonly kills: number;
}): Promise<KillResult> {
  const random = createRandom(options.seed);
  const data = await mkdtemp(join(options.directory, 'killed-'));
  const everyone = createWorld(random);
  const { world, clients } = everyone;
  const faults: string[] = [];
  let inStart = 0;
  let startMs = 1000; // how long the last start took
  for (let left = options.kills; left > 0; left -= 1) {
    const startedMs = performance.now();
    const server = startProcess(data);
    if (random.chance(0.2)) {
      await delay(random.below(startMs));
      inStart += 1;
    } else {
      const url = await server.url;
      startMs = performance.now() - startedMs;
      await reconnect(everyone, url);
      faults.push(...(await findFaults(world.ask, world.ledger, isPromised)));
      let isOver = false;
      const working = clients.map(async (client) => {
        while (!isOver) await client.act().catch(unlessUnanswered);
      });
      await delay(random.below(workMs));
      const ended = server.end('SIGKILL');
      isOver = true;
      await Promise.all([ended, ...working]);
    }
    await server.end('SIGKILL');
  }
  const { uploads, swept } = await withRegistry(data, async ({ ask, sweepLater }) => {
    faults.push(...(await findFaults(ask, world.ledger, isPromised)));
    const wentOn = await goOnWithUploads({ ...world, ask });
    const { taken, doubles } = await sweepLater();
    if (doubles > 0) faults.push(`${doubles} uploads lie beside their blobs`);
    const found = await findFaults(ask, world.ledger, isPromised);
    faults.push(...found.filter((fault) => !fault.startsWith('session '))); // these expired
    return { uploads: wentOn, swept: taken };
  });
  if (uploads.refused > 0) faults.push(`${uploads.refused} uploads could not go on`);
  await rm(data, { recursive: true });
  return { faults, inStart, resumed: world.resumed + uploads.done, swept, cells: world.ledger.cells().length };
}
