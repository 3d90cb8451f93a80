import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { askServer, unlessUnanswered } from './ask.ts';
import { findFaults, goOnWithUploads, pushAnew, withRegistry } from './check.ts';
import type { World } from './client.ts';
import { type Behaviour, cut, type Model, type Tree, writeTree } from './disk.ts';
import { createLedger, type Fact } from './ledger.ts';
import { createRandom, type Random } from './random.ts';
import { type Breakage, type Entry, readRecord, recordingOf } from './record.ts';
import { startProcess } from './server-process.ts';
import { createWorld, reconnect } from './world.ts';

/** What one server did under load, and what its clients were promised. */
export interface Recording {
  readonly entries: readonly Entry[];
  readonly world: World;
  /** At which entry the answer to a request left. */
  readonly answeredAt: ReadonlyMap<string, number>;
  /** What is wrong with the record itself; undefined: carried out to its end, it gives the directory that the server left. */
  readonly fault: string | undefined;
}

/** What a cut came to. */
export interface CutResult {
  readonly about: string;
  readonly faults: readonly string[];
}

const actsPerClient = 35;

/** Records a server that several clients use at once, is killed, started again, used and stopped. */
export async function record(options: {
  readonly shim: string;
  readonly directory: string;
  readonly seed: number;
  readonly breakage?: Breakage;
}): Promise<Recording> {
  const { shim, seed, breakage } = options;
  const place = await mkdtemp(join(options.directory, 'recording-'));
  const [root, log] = [join(place, 'root'), join(place, 'log')];
  const data = join(root, 'data');
  await writeTree(new Map(), root);
  const env = recordingOf({ shim, root, log, breakage });
  const everyone = createWorld(createRandom(seed));
  const { world, clients } = everyone;

  const first = startProcess(data, env);
  await reconnect(everyone, await first.url);
  let acts = 0;
  let killing: Promise<unknown> | undefined;
  const untilKilled = clients.map(async (client) => {
    while (killing === undefined) {
      acts += 1;
      if (acts === actsPerClient * clients.length) killing = first.end('SIGKILL');
      else await client.act().catch(unlessUnanswered);
    }
  });
  await Promise.all(untilKilled);
  await killing;

  const second = startProcess(data, env);
  await reconnect(everyone, await second.url);
  const untilDone = clients.map(async (client) => {
    for (let left = actsPerClient; left > 0; left -= 1) await client.act();
  });
  await Promise.all(untilDone);
  await second.end('SIGTERM');

  const entries = await readRecord(log);
  const answers = entries.flatMap((entry, at) =>
    entry.kind === 'answer' && entry.requestId !== undefined ? [[entry.requestId, at] as const] : [],
  );
  const whole = cut(entries, entries.length, { model: 'everything', random: createRandom(0), kept: 1 });
  const differences = breakage === undefined ? await compare(whole, root) : [];
  await rm(place, { recursive: true });
  const fault = differences.length === 0 ? undefined : `the record misses changes of ${differences.join(', ')}`;
  return { entries, world, answeredAt: new Map(answers), fault };
}

/** Paths at which the directory is not what the tree says. */
async function compare(tree: Tree, directory: string): Promise<readonly string[]> {
  const differences: string[] = [];
  const left = new Map(tree);
  for (const found of await readdir(directory, { withFileTypes: true })) {
    if (found.name.endsWith('-shm')) continue;
    const path = join(directory, found.name);
    const node = left.get(found.name);
    left.delete(found.name);
    if (node === undefined || node instanceof Uint8Array === found.isDirectory()) differences.push(path);
    else if (!(node instanceof Uint8Array)) differences.push(...(await compare(node, path)));
    else if (!(await readFile(path)).equals(node)) differences.push(path);
  }
  return [...differences, ...[...left.keys()].map((name) => join(directory, name))];
}

/** Cuts the power at a moment that `seed` chooses, starts the registry on what the disk holds, and checks every promise that was made before. With `inProcess` false it
 *  starts the real server. */
export async function cutAndCheck(
  recording: Recording,
  options: { readonly directory: string; readonly seed: number; readonly inProcess: boolean },
): Promise<CutResult> {
  const random = createRandom(options.seed);
  const length = chooseMoment(recording, random);
  const behaviour = chooseBehaviour(random);
  const root = await mkdtemp(join(options.directory, 'cut-'));
  const about = `cut after ${length} of ${recording.entries.length} entries, ${behaviour.model}, seed ${options.seed}`;
  const holds = ({ promisedBy }: Fact) => {
    const at = promisedBy === undefined ? undefined : recording.answeredAt.get(promisedBy);
    return at !== undefined && at < length;
  };
  try {
    await writeTree(cut(recording.entries, length, behaviour), root);
    const data = join(root, 'data');
    const check = options.inProcess ? checkInProcess : checkServer;
    return { about, faults: await check({ data, world: recording.world, holds }) };
  } catch (error) {
    return { about, faults: [error instanceof Error ? error.message : String(error)] };
  } finally {
    await rm(root, { recursive: true });
  }
}

interface Check {
  readonly data: string;
  readonly world: World;
  holds(fact: Fact): boolean;
}

function checkInProcess({ data, world, holds }: Check): Promise<readonly string[]> {
  return withRegistry(data, async ({ ask, sweepLater }) => {
    const faults = await findFaults(ask, world.ledger, holds);
    await pushAnew(ask);
    await goOnWithUploads({ ...world, ask, ledger: createLedger() });
    await sweepLater();
    return faults;
  });
}

async function checkServer({ data, world, holds }: Check): Promise<readonly string[]> {
  const server = startProcess(data);
  try {
    const ask = askServer(await server.url);
    const faults = await findFaults(ask, world.ledger, holds);
    await pushAnew(ask);
    return faults;
  } finally {
    await server.end('SIGTERM');
  }
}

/** Anywhere; often just after an answer, where a promise is youngest, and now and then in the first start. */
function chooseMoment({ entries, answeredAt }: Recording, random: Random): number {
  const answers = [...answeredAt.values()];
  const choice = random.below(10);
  if (choice < 4) return (random.pick(answers) ?? 0) + 1;
  return random.below(choice < 5 ? (answers[0] ?? 1) : entries.length + 1);
}

function chooseBehaviour(random: Random): Behaviour {
  const models: readonly Model[] = [
    'nothing',
    'everything',
    'ordered',
    'ordered',
    'ordered',
    'unordered',
    'unordered',
    'unordered',
  ];
  return { model: random.pick(models) ?? 'nothing', random, kept: random.pick([0.1, 0.5, 0.9]) ?? 0.5 };
}
