import { join } from 'node:path';
import type { Server } from '../target.ts';
import { freePort, launch } from './process.ts';

/** The name under which the work tree's own Moorage stands in every table. */
export const moorageName = 'moorage';

/**
 * Moorage from a work tree, run as it is from its sources, open to everyone, every other setting at its default. It is started on the pinned Node
 * itself: `tools/run.js` would stay as its parent and count in its memory.
 */
export function moorage(workTree: string, { name = moorageName, version = 'work tree' } = {}): Server {
  return {
    name,
    version,
    async start(directory) {
      const port = await freePort();
      const script = join(workTree, 'packages/server/bin/moorage.js');
      const settings = ['--open', '--listen', `127.0.0.1:${port}`, '--data', join(directory, 'data')];
      return launch({
        name,
        command: join(workTree, 'node_modules/.bin/node'),
        args: ['--conditions=moorage-source', script, 'serve', ...settings],
        cwd: workTree,
        port,
        readyPath: '/readyz',
        logDirectory: directory,
      });
    },
  };
}
