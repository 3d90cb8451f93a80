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
import type { Projects } from './projects.ts';
import type { Pushes } from './pushes.ts';
import type { Users } from './users.ts';

/** What the registry asks the application. */
export interface Application {
  readonly users: Users;
  readonly projects: Projects;
  readonly pushes: Pushes;
}

/** A registry that is governed by the application's users and projects, with its data below `directory`. */
export function createApplicationRegistry(directory: string, { users, projects, pushes }: Application): Registry {
  /** `docker login` with a password or, better, an API key; a script may send the key alone, as `Authorization: Bearer …`. */
  async function authenticate(credentials: Credentials): Promise<Identity | undefined> {
    const secret = 'token' in credentials ? credentials.token : credentials.password;
    const owner = users.findByApiKey(secret);
    if ('token' in credentials) return owner === undefined ? undefined : { id: owner };
    const { username, password } = credentials;
    const isGood = owner === username || (await users.hasPassword(username, password));
    return isGood ? { id: username } : undefined;
  }

  /** Asked when a client comes back with a token of the registry's: a user who is gone may do nothing from the next request on. */
  function identify(id: string): Identity | undefined {
    return users.exists(id) ? { id } : undefined;
  }

  /** The first part of a repository's name is its project, and the project says who may do what, now. */
  function authorize({ identity, action, name }: AuthorizeRequest): boolean {
    const [projectName = '', ...rest] = name.split('/');
    const project = rest.length === 0 ? undefined : projects.find(projectName, identity?.id);
    if (project?.visibility === 'public' && action === 'pull') return true;
    return project?.role === 'owner' || (project?.role === 'contributor' && action !== 'manage');
  }

  return createRegistry({
    metadata: sqlite({ file: join(directory, 'registry.db') }),
    blobs: filesystem({ directory: join(directory, 'blobs') }),
    access: { authenticate, identify, authorize },
    after(event) {
      if (event.type === 'tag-moved') pushes.record(event);
    },
    onError: (error) => console.error(error),
  });
}
