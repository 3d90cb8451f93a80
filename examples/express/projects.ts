import type { DatabaseSync } from 'node:sqlite';

export type Role = 'owner' | 'contributor';
export type Visibility = 'public' | 'private';

/** A project, as a user sees it. */
export interface Project {
  readonly name: string;
  readonly visibility: Visibility;
  /** The user's; undefined: none. */
  readonly role: Role | undefined;
}

/** The application's projects. The repositories of `web` are `web/site`, `web/api` and so on. */
export interface Projects {
  /** Makes a project with its first owner. False when the name is taken. */
  add(name: string, visibility: Visibility, owner: string): boolean;
  find(name: string, user: string | undefined): Project | undefined;
  /** Those that are public, or in which the user has a role. */
  list(user: string | undefined): readonly Project[];
  /** Gives a user a role in the place of another one; undefined takes it. */
  setRole(project: string, user: string, role: Role | undefined): void;
}

/** The projects in the application's database. */
export function createProjects(database: DatabaseSync): Projects {
  const insert = database.prepare('INSERT INTO projects (name, visibility) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const select = 'SELECT name, visibility, role FROM projects LEFT JOIN members ON project = name AND user = ?';
  const find = database.prepare(`${select} WHERE name = ?`);
  const list = database.prepare(`${select} WHERE visibility = 'public' OR role IS NOT NULL ORDER BY name`);
  const putMember = database.prepare('INSERT OR REPLACE INTO members (project, user, role) VALUES (?, ?, ?)');
  const deleteMember = database.prepare('DELETE FROM members WHERE project = ? AND user = ?');

  const projects: Projects = {
    add(name, visibility, owner) {
      if (insert.run(name, visibility).changes === 0) return false;
      projects.setRole(name, owner, 'owner');
      return true;
    },
    find(name, user = '') {
      const row = find.get(user, name);
      return row === undefined ? undefined : toProject(row);
    },
    list: (user = '') => list.all(user).map(toProject),
    setRole(project, user, role) {
      if (role === undefined) deleteMember.run(project, user);
      else putMember.run(project, user, role);
    },
  };
  return projects;
}

function toProject({ name, visibility, role }: Readonly<Record<string, unknown>>): Project {
  return {
    name: String(name),
    visibility: visibility === 'public' ? 'public' : 'private',
    role: role === 'owner' || role === 'contributor' ? role : undefined,
  };
}
