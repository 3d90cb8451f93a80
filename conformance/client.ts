// Moorage's own client against Moorage, distribution and other clients: `node tools/run.js conformance/client.ts`. --only WORD makes the cases whose name has it.
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { contentCases } from './client/content.ts';
import { transferCases } from './client/transfers.ts';
import { createWorld } from './client/world.ts';
import { createJudge } from './judge.ts';
import { startServer } from './server.ts';

const { values: options } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const directory = await mkdtemp(join(tmpdir(), 'moorage-client-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const server = await startServer();
const world = await createWorld(directory, server.host);
const cases = [
  ...transferCases.map(({ name, run }) => ({ name, run: () => run(world) })),
  ...contentCases.map(({ name, run }) => ({ name, run: () => run(server.host) })),
].filter(({ name }) => name.includes(options.only));
if (cases.length === 0) throw new Error(`No case has ${options.only} in its name.`);
const { judge, end } = createJudge();
for (const { name, run } of cases) {
  if (!(await judge(name, run))) console.log(`Server log ends with:\n${await server.lastLog()}\n`);
}
await server.stop();
end();
