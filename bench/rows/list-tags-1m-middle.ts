import { millionTags } from '../fills/million-tags.ts';
import { runGets } from '../load/load.ts';
import type { Row } from '../row.ts';
import { checkTagPage, tagPage } from '../tags.ts';

/** 100 of 1,000,000 tags, behind the 500,000th, asked for over 16 connections. */
export const row: Row = {
  name: 'list-tags-1m-middle',
  unit: 'requests/s',
  fill: millionTags,
  setup: (target) => checkTagPage(target, 500_000),
  run: (target, seconds) => runGets(target, { path: tagPage(500_000), clients: 16, seconds }),
};
