import { measureMemory } from '../memory.ts';
import type { Row } from '../row.ts';

/** Resident memory of a server that has answered once. */
export const row: Row = {
  name: 'memory-idle',
  unit: 'MiB',
  measure: (server, directory) => measureMemory(server, directory, async () => ({ close: () => undefined })),
};
