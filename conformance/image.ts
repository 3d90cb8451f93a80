// The image of the server that `npm run image` makes: pushed twice, looked at by crane, and run: `node tools/run.js conformance/image.ts`. The last case needs root, for `chroot`.
import { equal, match } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../tools/free-port.ts';
import { makeLayer } from './examples/clients.ts';
import { openHome } from './examples/start.ts';
import { createJudge } from './judge.ts';
import { runCommand, tryCommand } from './run-command.ts';
import { startServer } from './server.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const directory = await mkdtemp(join(tmpdir(), 'moorage-image-test-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const server = await startServer();
const name = `${server.host}/tools/moorage`;
const { judge, end } = createJudge();

await judge('the digest of two runs is the same, and a platform of another machine is left out in words', async () => {
  const first = await image(`${name}:1`);
  const second = await image(`${name}:2`, '--platform', 'linux/riscv64,linux/amd64,linux/arm64');
  match(first.stdout, /@sha256:[0-9a-f]{64}\n$/);
  equal(digestIn(first.stdout), digestIn(second.stdout));
  match(second.stderr, /linux\/riscv64.* is left out: the C libraries/);
});

await judge('crane validates it, and it says how it runs', async () => {
  await runCommand('crane', ['validate', '--remote', `${name}:1`]);
  const { stdout } = await runCommand('crane', ['config', `${name}:1`]);
  const { config, architecture, os } = JSON.parse(stdout);
  equal(`${os}/${architecture}`, `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`);
  equal(config.User, '65532:65532');
  equal(JSON.stringify([config.ExposedPorts, config.Cmd]), '[{"5000/tcp":{}},["serve"]]');
});

if (process.getuid?.() === 0)
  await judge('exported, it serves in a chroot as user 65532, and crane pushes to it', serve);
else console.log('left out         it serves in a chroot: that needs root');

await server.stop();
end();

function image(reference: string, ...flags: string[]) {
  return runCommand(process.execPath, ['tools/run.js', 'tools/image.ts', reference, ...flags], { cwd: root });
}

function digestIn(text: string): string | undefined {
  return /sha256:[0-9a-f]{64}/.exec(text)?.[0];
}

async function serve(): Promise<void> {
  const tree = join(directory, 'tree');
  await mkdir(tree);
  await runCommand('sh', ['-c', `crane export ${name}:1 - | tar -x -C ${tree}`]);
  const { config } = JSON.parse((await runCommand('crane', ['config', `${name}:1`])).stdout);
  const port = await findFreePort();
  const host = `127.0.0.1:${port}`;
  const env = Object.fromEntries(config.Env.map((line: string) => line.split(/=(.*)/s)));
  const words = [...config.Entrypoint, ...config.Cmd, '--open'];
  const child = spawn('/usr/sbin/chroot', [`--userspec=${config.User}`, tree, ...words], {
    env: { ...env, MOORAGE_LISTEN: host },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  const exited = once(child, 'exit');
  const end = () => child.kill();
  process.once('exit', end);
  try {
    const ready = ['--silent', '--fail', '--retry', '60', '--retry-delay', '1', '--retry-connrefused'];
    await runCommand('curl', [...ready, `http://${host}/readyz`]);
    const home = await openHome(join(directory, 'home'), host);
    await home.run('crane', ['append', '--new_layer', await makeLayer(home), '--new_tag', `${host}/hello:1`]);
    await home.run('crane', ['validate', '--remote', `${host}/hello:1`]);
    equal((await stat(join(tree, 'data/registry.db'))).uid, 65_532);
    // A password is hashed by a native part. The command runs as the server does, beside it.
    const add = [...config.Entrypoint, 'user', 'add', 'alice', '--password-stdin'];
    const chroot = [`--userspec=${config.User}`, tree, ...add];
    await runCommand('/usr/sbin/chroot', chroot, { env, input: 'wonderland' });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\nThe server printed:\n${printed}`);
  } finally {
    process.off('exit', end);
    child.kill();
  }
  const [code] = await exited;
  equal(code, 0, printed);
  const { stdout } = await tryCommand('find', [tree, '-user', '65532', '-not', '-path', `${tree}/data/*`]);
  equal(stdout, '', 'The server wrote outside of its data.');
}
