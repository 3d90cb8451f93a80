// Follows docs/guide.md word for word, as a new user would, in an empty folder beside a clone: `node tools/run.js conformance/guide.ts`.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../tools/free-port.ts';
import { type Block, blocksOf, changed } from './guide/blocks.ts';
import { tryCommand } from './run-command.ts';
import { toolPath } from './tools.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const readyTimeoutMs = 30_000;
const sayTimeoutMs = 5000;
/** Blocks that only a machine with a docker daemon can follow. */
const needsDaemon = /^docker /m;
/** A block that starts the application, with settings in front. */
const startsApplication = /^((?:\w+=\S+ )*)node (?:--watch )?server\.js\n$/;

const workFolder = await mkdtemp(join(tmpdir(), 'moorage-guide-'));
const application = join(workFolder, 'shop');
const port = String(await findFreePort());
const env = await prepare();
let server: ChildProcess | undefined;
/** What the application has printed since it was started. */
let said = '';
process.once('exit', () => {
  server?.kill();
  rmSync(workFolder, { recursive: true, force: true });
});

const markdown = await readFile(join(root, 'docs/guide.md'), 'utf8');
const startedMs = performance.now();
const [passed, failed] = await follow(blocksOf(markdown));
const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
console.log(`The guide has ${markdown.split('\n').length} lines, and took ${seconds} s to do.`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

/** Each block, until one fails: those behind it build on it. */
async function follow(blocks: readonly Block[]): Promise<readonly [passed: number, failed: number]> {
  let settings: Readonly<Record<string, string>> = {};
  let isChanged = false;
  let passed = 0;
  for (const block of blocks) {
    const title = `${block.step}: ${block.kind === 'commands' ? block.text.split('\n', 1)[0] : block.file}`;
    try {
      if (block.kind !== 'commands') {
        await edit(block);
        isChanged = true;
      } else if (needsDaemon.test(block.text)) {
        console.log(`left out, it needs a docker daemon: ${title}`);
        continue;
      } else {
        const start = startsApplication.exec(block.text);
        if (start !== null) settings = settingsOf(start[1] ?? '');
        // What `--watch` does for the reader is done here when something was changed, so that nothing is asked of an application that is about to start again.
        if (start !== null || (server !== undefined && isChanged)) await restart(settings);
        isChanged = false;
        if (start === null) await runCommands(block);
      }
      passed += 1;
      console.log(`ok      ${title}`);
    } catch (error) {
      console.log(`FAILED  ${title}\n${error instanceof Error ? error.message : error}`);
      return [passed, 1];
    }
  }
  const exitCode = server === undefined ? null : await stop(server);
  console.log(
    `${exitCode === 0 ? 'ok    ' : 'FAILED'}  The application ends when it is told to: exit code ${exitCode}`,
  );
  return exitCode === 0 ? [passed + 1, 0] : [passed, 1];
}

async function edit(block: Block & { readonly kind: 'file' | 'change' }): Promise<void> {
  const file = join(application, block.file);
  await writeFile(file, block.kind === 'file' ? block.text : changed(await readFile(file, 'utf8'), block.text));
}

async function runCommands({ text, output }: Block & { readonly kind: 'commands' }): Promise<void> {
  const isRefused = output.some((line) => line.startsWith('DENIED'));
  const script = withPort(`set -euo pipefail\n${text}`);
  const { exitCode, stdout, stderr, transcript } = await tryCommand('bash', ['-c', script], { cwd: application, env });
  if ((exitCode === 0) === isRefused) throw new Error(transcript);
  const isMissing = (line: string) => !`${stdout}${stderr}${said}`.includes(line);
  const wanted = output.map(withPort);
  // The application's terminal may say it after the client has its answer.
  const deadline = performance.now() + sayTimeoutMs;
  while (wanted.some(isMissing) && performance.now() < deadline) await delay(20);
  const missing = wanted.filter(isMissing);
  if (missing.length > 0) throw new Error(`${transcript}\nThe guide promises:\n${missing.join('\n')}`);
}

/** Ends the application as Ctrl-C does. Returns its exit code; null: the signal ended it. */
async function stop(child: ChildProcess): Promise<number | null> {
  const exited = once(child, 'exit');
  child.kill('SIGINT');
  const [exitCode] = await exited;
  return exitCode;
}

async function restart(settings: Readonly<Record<string, string>>): Promise<void> {
  if (server !== undefined) await stop(server);
  const child = spawn(process.execPath, ['server.js'], {
    cwd: application,
    env: { ...env, ...settings, PORT: port },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  server = child;
  said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
  }
  const deadline = performance.now() + readyTimeoutMs;
  while (child.exitCode === null && performance.now() < deadline) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined); // refused: it does not listen yet
    if ((await answer?.text()) === 'This is the shop.\n') return;
    await delay(20);
  }
  throw new Error(`The application does not serve. It printed:\n${said}`);
}

function settingsOf(words: string): Readonly<Record<string, string>> {
  return Object.fromEntries(words.split(' ').map((word) => word.split('=', 2)));
}

function withPort(text: string): string {
  return text.replaceAll('127.0.0.1:3000', `127.0.0.1:${port}`);
}

/** The reader's home, with an image called alpine, and the clone beside the application. Returns the reader's environment. */
async function prepare(): Promise<Readonly<Record<string, string | undefined>>> {
  const home = join(workFolder, 'home');
  const storage = join(home, 'storage.conf');
  const policy = join(home, '.config/containers/policy.json');
  await mkdir(application);
  await mkdir(dirname(policy), { recursive: true });
  await symlink(root, join(workFolder, 'moorage'));
  await writeFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  await writeFile(storage, `[storage]\ndriver = "vfs"\ngraphroot = "${home}/graph"\nrunroot = "${home}/run"\n`);
  // npm hands its own settings on to what it runs, and a reader does not come from there.
  const inherited = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS|INIT_CWD)/i.test(name));
  const reader = {
    ...Object.fromEntries(inherited),
    PATH: `${dirname(process.execPath)}:${toolPath}`,
    LC_ALL: 'C.UTF-8',
    HOME: home,
    XDG_RUNTIME_DIR: home,
    CONTAINERS_STORAGE_CONF: storage,
    npm_config_userconfig: join(homedir(), '.npmrc'),
    npm_config_cache: join(homedir(), '.npm'),
    npm_config_prefer_offline: 'true',
  };
  const image = 'tar -c --files-from /dev/null | podman import --quiet - alpine';
  const { exitCode, transcript } = await tryCommand('bash', ['-c', image], { cwd: home, env: reader });
  if (exitCode !== 0) throw new Error(transcript);
  return reader;
}
