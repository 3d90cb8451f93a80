// TLS of the server with real clients and a local ACME server: `node tools/run.js conformance/tls.ts`. --only WORD makes the cases whose name has it.
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createJudge } from './judge.ts';
import { acme } from './tls/acme.ts';
import { files } from './tls/files.ts';
import { trust } from './tls/trust.ts';
import { wrongScheme } from './tls/wrong-scheme.ts';

const { values: options } = parseArgs({ options: { only: { type: 'string', default: '' } } });
const chosen = [...trust, ...files, ...wrongScheme, ...acme].filter(({ name }) => name.includes(options.only));
if (chosen.length === 0) throw new Error(`No case has ${options.only} in its name.`);
const directory = await mkdtemp(join(tmpdir(), 'moorage-tls-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const { judge, end } = createJudge();
for (const { name, run } of chosen) await judge(name, async () => run(await mkdtemp(join(directory, 'case-'))));
end();
