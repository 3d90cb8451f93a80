import { runGets } from '../load/load.ts';
import type { Row } from '../row.ts';
import { checkTagPage, seedTags, tagPage } from '../tags.ts';

/** The first 100 of 5,000 tags, asked for over 16 connections. */
export const row: Row = {
  name: 'list-tags-5k-start',
  unit: 'requests/s',
  async setup(target) {
    await seedTags(target, 5000);
    await checkTagPage(target, 0);
  },
  run: (target, seconds) => runGets(target, { path: tagPage(0), clients: 16, seconds }),
};
