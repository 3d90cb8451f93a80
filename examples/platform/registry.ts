import { join } from 'node:path';
import {
  type AuthorizeRequest,
  type Credentials,
  createRegistry,
  type Identity,
  type Registry,
} from '@moorage/registry';
import { filesystem } from '@moorage/registry/filesystem';
import { sqlite } from '@moorage/registry/sqlite';
import type { Customers } from './customers.ts';
import { createLimits } from './limits.ts';
import { renewPreviews } from './previews.ts';

/** Where the platform keeps its things, and where its page is. */
export interface PlatformOptions {
  readonly directory: string;
  readonly customers: Customers;
  readonly url: string;
}

/** The registry of a platform: every customer has the namespace of the same name, as far as the plan allows. */
export function createPlatformRegistry({ directory, customers, url }: PlatformOptions): Registry {
  function authenticate(credentials: Credentials): Identity | undefined {
    if ('token' in credentials) return undefined;
    const { username, password } = credentials;
    return customers.hasKey(username, password) ? { id: username } : undefined;
  }

  function authorize({ identity, name }: AuthorizeRequest): boolean {
    return identity !== undefined && name.startsWith(`${identity.id}/`);
  }

  const limits = createLimits({
    customerOf: (repository) => customers.find(repository.split('/')[0] ?? ''),
    usageOf: (customer) => registry.usage(`${customer}/*`),
    url,
  });
  const registry = createRegistry({
    metadata: sqlite({ file: join(directory, 'registry.db') }),
    blobs: filesystem({ directory: join(directory, 'blobs') }),
    access: {
      authenticate,
      identify: (id) => (customers.find(id) === undefined ? undefined : { id }),
      authorize,
    },
    before: (change) => limits.check(change),
    after(event) {
      limits.hear(event);
      return renewPreviews(registry, event);
    },
    onError: (error) => console.error(error),
  });
  return registry;
}
