import type { DatabaseSync } from 'node:sqlite';
import type { RegistryEvent } from '@moorage/registry';
import { owns } from './users.ts';

/** Counts who pulls what, owners apart. An event gathers the pulls of some seconds, so that counting costs the pulls nothing. */
export function createPopularity(database: DatabaseSync): { hear(event: RegistryEvent): void } {
  const add = database.prepare(
    'INSERT INTO pulls VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count',
  );
  return {
    hear(event) {
      if (event.type !== 'pulled') return;
      for (const { repository, by, count } of event.pulls) {
        if (by !== undefined && !owns(by, repository)) add.run(repository, by, count);
      }
    },
  };
}
