import { database } from './database.ts';

/** Makes a project with its owner as its first member; false: the name is taken. */
export function addProject(name: string, owner: string): boolean {
  const added = database().prepare('INSERT OR IGNORE INTO projects VALUES (?, ?)').run(name, owner);
  if (added.changes === 0) return false;
  addMember(name, owner);
  return true;
}

/** Members pull and push. */
export function addMember(project: string, user: string): void {
  database().prepare('INSERT OR IGNORE INTO members VALUES (?, ?)').run(project, user);
}

export function isMember(project: string, user: string): boolean {
  return database().prepare('SELECT 1 FROM members WHERE project = ? AND user = ?').get(project, user) !== undefined;
}

/** Owners add members, and delete. */
export function isOwner(project: string, user: string): boolean {
  return database().prepare('SELECT 1 FROM projects WHERE name = ? AND owner = ?').get(project, user) !== undefined;
}

export function projectsOf(user: string): string[] {
  const rows = database().prepare('SELECT project FROM members WHERE user = ? ORDER BY project').all(user);
  return rows.map(({ project }) => String(project));
}
