import { runGets } from '../load/load.ts';
import type { Row } from '../row.ts';
import { checkTagPage, seedTags, tagPage } from '../tags.ts';

/** 100 of 5,000 tags, behind the 2,500th, asked for over 16 connections. */
export const row: Row = {
  name: 'list-tags-5k-middle',
  unit: 'requests/s',
  async setup(target) {
    await seedTags(target, 5000);
    await checkTagPage(target, 2500);
  },
  run: (target, seconds) => runGets(target, { path: tagPage(2500), clients: 16, seconds }),
};
