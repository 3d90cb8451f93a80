import { manyRepositories, visitor } from '../fills/many-repositories.ts';
import { runLoad } from '../load/load.ts';
import type { Row } from '../row.ts';

/** The whole catalog, page by page as the links lead, for a user who may see 50 of 100,000 repositories, all over it; 4 such users at a time. */
export const row: Row = {
  name: 'catalog-100k-user-50',
  unit: 'lists/s',
  fill: manyRepositories,
  start: { user: visitor },
  setup: async () => undefined,
  run: (target, seconds) =>
    runLoad(target, {
      clients: 4,
      seconds,
      work: { kind: 'read-catalog', path: '/v2/_catalog?n=100', entries: 50 },
    }),
};
