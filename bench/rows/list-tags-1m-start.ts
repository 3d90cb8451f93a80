import { millionTags } from '../fills/million-tags.ts';
import { runGets } from '../load/load.ts';
import type { Row } from '../row.ts';
import { checkTagPage, tagPage } from '../tags.ts';

/** The first 100 of 1,000,000 tags, asked for over 16 connections. */
export const row: Row = {
  name: 'list-tags-1m-start',
  unit: 'requests/s',
  fill: millionTags,
  setup: (target) => checkTagPage(target, 0),
  run: (target, seconds) => runGets(target, { path: tagPage(0), clients: 16, seconds }),
};
