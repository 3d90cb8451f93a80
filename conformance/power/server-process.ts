import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));

/** A server in one process, so that a signal meets the server itself. */
export interface ServerProcess {
  /** Where it listens, once it does. Rejects with the end of its log when it ends before. */
  readonly url: Promise<string>;
  /** Sends the signal; resolves with the exit code once the process is gone, undefined where the signal ended it. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | undefined>;
}

/** Starts the server on a data directory, open to everyone, on a free port of the loopback. */
export function startProcess(data: string, env: Readonly<Record<string, string>> = {}): ServerProcess {
  const server = ['packages/server/bin/moorage.js', 'serve', '--open', '--listen', '127.0.0.1:0'];
  const options = ['--data', data, '--log-format', 'json', '--log-level', 'info'];
  const child = spawn(process.execPath, ['--conditions=moorage-source', ...server, ...options], {
    cwd: repositoryRoot,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  exited.finally(() => process.off('exit', kill));
  const { promise: url, resolve, reject } = Promise.withResolvers<string>();
  let log = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    log = (log + text).slice(-20_000);
    const address = /"address":"(http:[^"]+)"[^\n]*"msg":"ready"/.exec(log)?.[1];
    if (address !== undefined) resolve(address);
  });
  child.once('close', () => reject(new Error(`The server ended before it was ready. Its log ends with:\n${log}`)));
  url.catch(() => undefined); // who only kills the server does not wait for it
  return {
    url,
    async end(signal) {
      child.kill(signal);
      const [code] = await exited;
      return code ?? undefined;
    },
  };
}
