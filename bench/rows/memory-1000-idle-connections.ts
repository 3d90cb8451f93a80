import { holdIdle } from '../load/hold.ts';
import { measureMemory } from '../memory.ts';
import type { Row } from '../row.ts';

/** Resident memory with 1,000 connections, each of which has asked once and stays. */
export const row: Row = {
  name: 'memory-1000-idle-connections',
  unit: 'MiB',
  measure: (server, directory) => measureMemory(server, directory, (target) => holdIdle(target, 1000)),
};
