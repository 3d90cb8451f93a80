import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { flagOf, settingRows } from '../src/settings.ts';
import { runMoorage, temporaryDirectory } from './run-moorage.ts';

// Each test starts the command, perhaps on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000 });

const saysItsWords = 'console.log("called with", ...words); process.exitCode = 3;';

/** The command as a package has it: without sources, with a program of its own. */
function packaged(engine: string, program = saysItsWords): string {
  const directory = temporaryDirectory();
  cpSync(fileURLToPath(new URL('../bin', import.meta.url)), join(directory, 'bin'), { recursive: true });
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module', engines: { node: engine } }));
  mkdirSync(join(directory, 'dist'));
  writeFileSync(join(directory, 'dist/main.js'), `export const runCommand = (words) => { ${program} };`);
  return join(directory, 'bin/moorage.js');
}

test.each(['>=22', '^22.23 || ^24.15 || >=26', `^${process.versions.node.split('.').slice(0, 2).join('.')}`])(
  'as a package it runs dist/ on a Node of %s, and keeps its exit code',
  async (engine) => {
    const run = runMoorage(['serve', '--open'], { bin: packaged(engine) });
    expect(await run.ended).toBe(3);
    expect(run.stdout()).toBe('called with serve --open\n');
  },
);

test.skipIf(process.platform === 'win32' || !('execve' in process))(
  'a server has a small heap, in the process that was started and whatever other flags of Node there are; other commands have not',
  async () => {
    const bin = packaged('>=22', 'console.log(process.pid, ...process.execArgv);');
    const flagsOf = async (command: string, nodeFlags: readonly string[]) => {
      const run = runMoorage([command], { bin, nodeFlags });
      await run.ended;
      const [pid, ...flags] = run.stdout().trim().split(' ');
      expect(Number(pid)).toBe(run.process.pid);
      return flags;
    };
    expect(await flagsOf('serve', ['--no-warnings'])).toEqual([
      '--no-warnings',
      expect.stringMatching(/^--max-semi-space-size=\d+$/),
      expect.stringMatching(/^--heap-growing-percent=\d+$/),
    ]);
    expect(await flagsOf('serve', ['--max-semi-space-size=64'])).toEqual(['--max-semi-space-size=64']);
    expect(await flagsOf('config', [])).toEqual([]);
  },
);

test.each(['>=99', '^22.23 || ^24.15', `^${process.versions.node.split('.')[0]}.99`])(
  'on a Node that is not of %s it says so in one sentence',
  async (engine) => {
    const run = runMoorage(['serve'], { bin: packaged(engine) });
    expect(await run.ended).toBe(1);
    expect(run.stderr()).toBe(
      `Moorage needs Node ${engine}; this is ${process.version}. Install a newer Node and try again.\n`,
    );
  },
);

test('without the condition it starts itself anew on sources, passes signals on and keeps the exit code', async () => {
  const words = ['serve', '--open', '--listen', '127.0.0.1:0', '--data', temporaryDirectory()];
  const run = runMoorage(words, { nodeFlags: [] });
  await run.said(/Waiting for your first push/);
  run.process.kill('SIGTERM');
  expect(await run.ended).toBe(0);
  const refused = runMoorage(['serve', 'everything'], { nodeFlags: [] });
  expect(await refused.ended).toBe(1);
});

test('--version and --help answer on stdout', async () => {
  const version = runMoorage(['--version']);
  expect(await version.ended).toBe(0);
  expect(version.stdout()).toMatch(/^\d+\.\d+\.\d+\n$/);
  const help = runMoorage(['--help']);
  expect(await help.ended).toBe(0);
  expect(help.stdout()).toContain('serve ');
});

test('serve --help has every setting', async () => {
  const help = runMoorage(['serve', '--help']);
  expect(await help.ended).toBe(0);
  for (const [name] of settingRows) expect(help.stdout()).toContain(`${flagOf(name)} `);
});

test('relative paths start from where npm was called', async () => {
  const caller = temporaryDirectory();
  const run = runMoorage(['serve', '--open', '--listen', '127.0.0.1:0', '--data', 'here'], {
    cwd: temporaryDirectory(),
    environment: { INIT_CWD: caller },
  });
  await run.said(/Waiting for your first push/);
  expect(run.stdout()).toContain(`data     ${join(caller, 'here')}\n`);
  expect(existsSync(join(caller, 'here'))).toBe(true);
});
