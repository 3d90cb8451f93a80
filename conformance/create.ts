// Runs what `npm create moorage` makes: `node tools/run.js conformance/create.ts`. --only WORD makes the cases whose name has it.
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { applicationCases } from './create/applications.ts';
import { serverCases } from './create/server.ts';
import { createJudge } from './judge.ts';
import { tryCommand } from './run-command.ts';

const { values: options } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const chosen = [...serverCases, ...applicationCases].filter(({ name }) => name.includes(options.only));
if (chosen.length === 0) throw new Error(`No case has ${options.only} in its name.`);
const directory = await mkdtemp(join(tmpdir(), 'moorage-create-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const { judge, end } = createJudge();
for (const { name, needs, run } of chosen) {
  if (needs !== undefined && (await tryCommand('sh', ['-c', `command -v ${needs}`])).exitCode !== 0) {
    console.log(`left out         ${name}: there is no ${needs} on this machine`);
    continue;
  }
  await judge(name, async () => run(await mkdtemp(join(directory, 'case-'))));
}
end();
