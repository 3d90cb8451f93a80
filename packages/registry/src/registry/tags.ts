import type { Permit } from '../access/permit.ts';
import type { Tag } from '../oci/name.ts';
import type { Page, PageRequest, TagRecord } from '../storage/metadata-store.ts';
import { existingId, type Needs } from './needs.ts';
import { readPage } from './page.ts';

/** Tags of a registry. */
export interface Tags {
  /** Tags in byte order (end-8). `NAME_UNKNOWN`. */
  list(permit: Permit<'pull'>, page: PageRequest<string>): Promise<Page<Tag>>;
  /** The same, with what each points to. */
  listRecords(permit: Permit<'pull'>, page: PageRequest<string>): Promise<Page<TagRecord>>;
}

export function createTags({ metadata }: Needs): Tags {
  return {
    async list(permit, page) {
      const repositoryId = existingId(permit);
      return readPage(page, (wanted) => metadata.listTags(repositoryId, wanted));
    },
    async listRecords(permit, page) {
      const repositoryId = existingId(permit);
      return readPage(page, (wanted) => metadata.listTagRecords(repositoryId, wanted));
    },
  };
}
