import { type Fill, putIndex } from './fill.ts';

const repositories = 100_000;
const everyVisible = 2000;

/** The user who sees 50 of the repositories. */
export const visitor = 'visitor';

/** 100,000 private repositories with a manifest each, of which `visitor` owns 50, all over the catalog. */
export const manyRepositories: Fill = {
  name: 'many-repositories',
  *commands() {
    for (let number = 0; number < repositories; number += 1) {
      const name = `team-${String(number % 500).padStart(3, '0')}/app-${String(number).padStart(6, '0')}`;
      const by = number % everyVisible === 1 ? visitor : 'bench';
      yield putIndex(name, { mark: name, by, tags: ['latest'] });
    }
  },
};
