// Runs what `npm create moorage` makes: `node tools/run.js conformance/create.ts`. --only WORD makes the cases whose name has it.
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { applicationCases } from './create/applications.ts';
import { serverCases } from './create/server.ts';
import { tryCommand } from './run-command.ts';

const { values: options } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const chosen = [...serverCases, ...applicationCases].filter(({ name }) => name.includes(options.only));
if (chosen.length === 0) throw new Error(`No case has ${options.only} in its name.`);
const directory = await mkdtemp(join(tmpdir(), 'moorage-create-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const total = { passed: 0, failed: 0 };
for (const { name, needs, run } of chosen) {
  if (needs !== undefined && (await tryCommand('sh', ['-c', `command -v ${needs}`])).exitCode !== 0) {
    console.log(`left out         ${name}: there is no ${needs} on this machine`);
    continue;
  }
  const startedMs = performance.now();
  const seconds = () => `${((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)} s`;
  try {
    await run(await mkdtemp(join(directory, 'case-')));
    total.passed += 1;
    console.log(`ok     ${seconds()}  ${name}`);
  } catch (error) {
    total.failed += 1;
    console.log(`FAILED ${seconds()}  ${name}\n${error instanceof Error ? error.stack : error}`);
  }
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
