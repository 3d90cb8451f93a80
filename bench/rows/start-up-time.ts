import type { Row } from '../row.ts';

/** From the start of the process to its first good answer, on an empty directory. It is asked every 2 ms. */
export const row: Row = {
  name: 'start-up-time',
  unit: 'ms',
  async measure(server, directory) {
    const target = await server.start(directory);
    await target.stop();
    return target.startMs;
  },
};
