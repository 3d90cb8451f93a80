import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import type { Findings } from './findings.ts';
import { run } from './run.ts';
import { here } from './subpaths.ts';
import type { Tarball } from './tarball.ts';

/** What the package of the command must have, and what else it may. */
const needed = ['LICENSE', 'README.md', 'bin/moorage.js', 'dist/main.js', 'package.json'];
const allowed = /^dist\/[\w/-]+\.js$/;

/** The tarball of the command holds its programs and nothing else. */
export function checkCommandContents({ contents }: Tarball): Findings {
  const missing = needed.filter((path) => !contents.includes(path)).map((path) => `${path} is missing.`);
  const unneeded = contents.filter((path) => !needed.includes(path) && !allowed.test(path));
  return {
    notes: [`${contents.length} files`],
    faults: [...missing, ...unneeded.map((path) => `${path} is of no use to who installs it.`)],
  };
}

/** In an empty folder `npx moorage serve`, `push` and `pull` work from the tarballs, and the same content has the same digest again. */
export async function checkNpx(folder: string, tarballs: readonly Tarball[]): Promise<Findings> {
  const { npx, env } = await prepare(folder, tarballs);
  const server = spawn('npx', [...npx, 'serve', '--open', '--listen', '127.0.0.1:0', '--data', 'data'], {
    cwd: folder,
    env,
    detached: true, // npx does not pass every signal on: the group gets it
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(server, 'exit');
  try {
    const host = await addressOf(server);
    mkdirSync(join(folder, 'site'));
    writeFileSync(join(folder, 'site/index.html'), 'hello\n');
    const moorage = (...words: string[]) => runWith('npx', [...npx, ...words], { folder, env });
    const pushed = await moorage('push', 'site', `${host}/demo/site:1`);
    const again = await moorage('push', 'site', `${host}/demo/site:2`);
    await moorage('pull', `${host}/demo/site:1`, 'pulled');
    const answer = await fetch(`http://${host}/v2/demo/site/manifests/1`, { headers: { Accept: '*/*' } });
    const digest = `sha256:${createHash('sha256')
      .update(await answer.bytes())
      .digest('hex')}`;
    return {
      faults: [
        ...[pushed, again].filter((line) => !line.trimEnd().endsWith(`@${digest}`)).map((line) => `It said ${line}`),
        ...(readFileSync(join(folder, 'pulled/site/index.html'), 'utf8') === 'hello\n'
          ? []
          : ['It pulled other bytes.']),
      ],
    };
  } finally {
    if (server.pid !== undefined && server.exitCode === null) process.kill(-server.pid, 'SIGTERM');
    await exited;
  }
}

/** In an empty folder `npm create moorage` makes each kind from the tarball, `.gitignore` included, which npm would not pack under that name. */
export async function checkCreate(folder: string, tarball: Tarball): Promise<Findings> {
  const { env } = await prepare(folder, []);
  const npx = ['--yes', '--prefer-offline', '--package', tarball.file, 'create-moorage'];
  const kinds = {
    server: 'moorage.yaml',
    express: 'server.ts',
    fastify: 'users.ts',
    hono: 'users.ts',
    next: 'lib/users.ts',
  };
  const faults: string[] = [];
  for (const [kind, file] of Object.entries(kinds)) {
    await runWith('npx', [...npx, kind, '--kind', kind], { folder, env });
    const missing = [file, 'README.md', '.gitignore'].filter((path) => !existsSync(join(folder, kind, path)));
    faults.push(...missing.map((path) => `${path} of ${kind} is missing.`));
  }
  return { faults };
}

/** What npx keeps lies in the folder, but for the packages that npm has fetched before. */
async function prepare(folder: string, tarballs: readonly Tarball[]) {
  mkdirSync(folder, { recursive: true });
  const cache = (await run('npm', ['config', 'get', 'cache'], here)).trim();
  mkdirSync(join(folder, '.npm'));
  symlinkSync(join(cache, '_cacache'), join(folder, '.npm/_cacache'));
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(MOORAGE_|INIT_CWD|NODE_OPTIONS|npm_)/i.test(name),
  );
  // The Node that runs this, and not one of the machine that the package refuses.
  const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter);
  const env = { ...Object.fromEntries(inherited), PATH, npm_config_cache: join(folder, '.npm'), HOME: folder };
  const packages = tarballs.flatMap(({ file }) => ['--package', file]);
  return { npx: ['--yes', '--prefer-offline', ...packages, 'moorage'], env };
}

/** The address that the server prints; rejects with what it printed instead. */
async function addressOf({ stdout, stderr }: ChildProcess): Promise<string> {
  let printed = '';
  const errors = stderr === null ? Promise.resolve('') : text(stderr);
  for await (const part of stdout?.setEncoding('utf8').iterator({ destroyOnReturn: false }) ?? []) {
    printed += part;
    const [, host] = /http:\/\/(127\.0\.0\.1:\d+)/.exec(printed) ?? [];
    if (host !== undefined) {
      stdout?.resume();
      return host;
    }
  }
  throw new Error(`npx moorage serve said no address:\n${printed}${await errors}`);
}

interface Surroundings {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/** What a command printed on stdout; throws what it printed on both unless it succeeds. */
async function runWith(command: string, args: readonly string[], { folder, env }: Surroundings): Promise<string> {
  const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
  const closed = once(child, 'close');
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}(exit code ${code})`);
  return stdout;
}
