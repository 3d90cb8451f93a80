import { join } from 'node:path';
import process from 'node:process';
import { createRegistry, type Registry } from '@moorage/registry';
import { filesystem } from '@moorage/registry/filesystem';
import { keepRegistry } from '@moorage/registry/next';
import { sqlite } from '@moorage/registry/sqlite';
import { directory } from './database.ts';
import { isMember, isOwner } from './projects.ts';
import { findUser, hasUser } from './users.ts';

/** The registry, the same one for its route, for pages and across hot reloads. Who may do what is what the application's tables say at that moment. */
export function registry(): Registry {
  return keepRegistry(() =>
    createRegistry({
      metadata: sqlite({ file: join(directory, 'registry.db') }),
      blobs: filesystem({ directory: join(directory, 'blobs') }),
      access: {
        // docker shows a user's name, with an API key as the password.
        authenticate: (credentials) => {
          if ('token' in credentials) return undefined;
          const { username, password } = credentials;
          return findUser(username, password) ? { id: username } : undefined;
        },
        identify: (id) => (hasUser(id) ? { id } : undefined),
        // The first part of a repository's name is a project.
        authorize: ({ identity, action, name }) => {
          const [project = ''] = name.split('/');
          if (identity === undefined) return false;
          return action === 'delete' ? isOwner(project, identity.id) : isMember(project, identity.id);
        },
      },
      publicUrl: process.env.PUBLIC_URL,
      onError: (error) => console.error(error),
    }),
  );
}
