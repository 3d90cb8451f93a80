import { kib, numberedBlobs } from '../content.ts';
import { runLoad } from '../load/load.ts';
import { NotMeasured, type Row } from '../row.ts';
import { canMount, seedMany } from '../seed.ts';

const sizeBytes = 2 * kib;
const blobs = 4000;
const repositories = 10;
const mountedIn = (round: number) => `bench/mounts-${round % repositories}`;

/** 8 clients mount blobs of one repository into another that does not have them: at most 4,000 a round, into one repository for each of 9 rounds; in more the first ones have them already. */
export const row: Row = {
  name: 'mount-blob-8-clients',
  unit: 'requests/s',
  start: { scopes: Array.from({ length: repositories }, (_, round) => `repository:${mountedIn(round)}:pull,push`) },
  async setup(target) {
    await seedMany(target, blobs, { kind: 'push-numbered-blobs', sizeBytes });
    if (!(await canMount(target, numberedBlobs(sizeBytes)(0).digest, mountedIn(0))))
      throw new NotMeasured('it mounts nothing');
  },
  run: (target, seconds, round) =>
    runLoad(target, {
      clients: 8,
      seconds,
      maxSteps: blobs,
      work: { kind: 'mount-numbered-blobs', sizeBytes, into: mountedIn(round) },
    }),
};
