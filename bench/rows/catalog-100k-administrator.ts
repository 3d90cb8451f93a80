import { manyRepositories } from '../fills/many-repositories.ts';
import { runGets } from '../load/load.ts';
import type { Row } from '../row.ts';
import { readJson } from '../seed.ts';

const path = '/v2/_catalog?n=100&last=team-250/app-000250';

/** 100 of 100,000 repositories, from the middle of the catalog, for who may see all, over 16 connections. */
export const row: Row = {
  name: 'catalog-100k-administrator',
  unit: 'requests/s',
  fill: manyRepositories,
  async setup(target) {
    const { document } = await readJson(target, path);
    const { repositories } = document as { readonly repositories: readonly string[] };
    if (repositories.length !== 100 || repositories[0] !== 'team-250/app-000750') {
      throw new Error(`The page of the catalog has ${repositories.length} names from ${repositories[0]} on.`);
    }
  },
  run: (target, seconds) => runGets(target, { path, clients: 16, seconds }),
};
