import { repository, tagOf } from '../content.ts';
import { type Fill, putIndex } from './fill.ts';

const tags = 1_000_000;
const perManifest = 500;

/** 1,000,000 tags in the repository of the rows, 500 of them on each manifest. */
export const millionTags: Fill = {
  name: 'million-tags',
  *commands() {
    for (let first = 0; first < tags; first += perManifest) {
      const names = Array.from({ length: perManifest }, (_, index) => tagOf(first + index));
      yield putIndex(repository, { mark: String(first), by: 'bench', tags: names });
    }
  },
};
