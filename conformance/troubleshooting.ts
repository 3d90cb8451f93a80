// The frictions of docs/troubleshooting.md, provoked with a real nginx and real clients: `node tools/run.js conformance/troubleshooting.ts`. --only WORD makes the cases whose name has it.
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createJudge } from './judge.ts';
import { frictions } from './troubleshooting/frictions.ts';

const { values: options } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const chosen = frictions.filter(({ name }) => name.includes(options.only));
if (chosen.length === 0) throw new Error(`No case has ${options.only} in its name.`);
const directory = await mkdtemp(join(tmpdir(), 'moorage-troubleshooting-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const { judge, end } = createJudge();
for (const { name, run } of chosen) await judge(name, async () => run(await mkdtemp(join(directory, 'case-'))));
end();
