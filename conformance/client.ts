// Moorage's own client against Moorage, distribution and other clients: `node tools/run.js conformance/client.ts`. --only WORD makes the cases whose name has it.
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { contentCases } from './client/content.ts';
import { transferCases } from './client/transfers.ts';
import { createWorld } from './client/world.ts';
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
let failed = 0;
for (const { name, run } of cases) {
  const startedMs = performance.now();
  const seconds = () => `${((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)} s`;
  try {
    await run();
    console.log(`ok     ${seconds()}  ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${seconds()}  ${name}\n${error instanceof Error ? error.stack : error}`);
    console.log(`Server log ends with:\n${await server.lastLog()}\n`);
  }
}
await server.stop();
console.log(`${cases.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
