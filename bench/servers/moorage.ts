import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findFreePort } from '../../tools/free-port.ts';
import { installBuilt } from '../../tools/install-built.ts';
import { fillData } from '../fills/fill.ts';
import type { Server } from '../target.ts';
import { addUser, administrator, logIn } from './accounts.ts';
import { launch } from './process.ts';

/** The name under which the work tree's own Moorage stands in every table. */
export const moorageName = 'moorage';

/** How a Moorage is told from others, and whether it has accounts. */
export interface Variant {
  readonly name?: string;
  readonly version?: string;
  /** With accounts, an administrator works with a bearer token; else everything is open, unless a row names a user. */
  readonly hasAccounts?: boolean;
}

/**
 * Moorage from a work tree, built and installed in `directory` once, every setting that says nothing of access at its default. It is started on the pinned Node
 * itself: `tools/run.js` would stay as its parent and count in its memory.
 */
export function moorage(
  workTree: string,
  directory: string,
  { name = moorageName, version = 'work tree', hasAccounts = false }: Variant = {},
): Server {
  const program = { command: join(workTree, 'node_modules/.bin/node'), args: [installBuilt(workTree, directory)] };
  const filled = new Map<string, string>();
  return {
    name,
    version,
    async start(store, { user = hasAccounts ? administrator : undefined, scopes = [] } = {}) {
      const port = await findFreePort();
      const data = join(store, 'data');
      if (user !== undefined) addUser(program, data, user);
      // The token is got once, so it has to last for all rounds.
      const access = user === undefined ? ['--open'] : ['--tokens-ttl-seconds', '86400'];
      const args = [...program.args, 'serve', '--listen', `127.0.0.1:${port}`, '--data', data, ...access];
      const { command } = program;
      const target = await launch({
        name,
        command,
        args,
        cwd: store,
        port,
        readyPath: '/readyz',
        logDirectory: store,
      });
      if (user === undefined) return target;
      return { ...target, authorization: await logIn(target, user, scopes) };
    },
    /** Filled once: the rows that begin with the same content get copies. What is copied lies beside the folders of rows, which go when their row ends. */
    async fill(store, fill) {
      const kept = filled.get(fill.name) ?? join(dirname(dirname(store)), 'filled', name, fill.name);
      if (!filled.has(fill.name)) {
        await mkdir(kept, { recursive: true });
        await fillData(workTree, join(kept, 'data'), fill);
        filled.set(fill.name, kept);
      }
      await cp(kept, store, { recursive: true });
    },
  };
}
