'use server';

import { revalidatePath } from 'next/cache';
import { redirect } from 'next/navigation';
import { addMember, addProject, isOwner } from '../lib/projects.ts';
import { addUser, findUser, hasUser, renewKey } from '../lib/users.ts';
import { currentUser, endSession, startSession } from './session.ts';

// Of users and of projects, which are the first part of a repository's name.
const namePattern = /^[a-z][a-z0-9-]{0,30}[a-z0-9]$/;
const nameRule = 'A name has small letters, digits and hyphens.';

/** Returns what the form shows. */
export async function signUp(_: string, form: FormData): Promise<string> {
  const name = textOf(form, 'name');
  if (!namePattern.test(name)) return nameRule;
  const key = addUser(name);
  return key === undefined ? 'This name is taken.' : `The API key of ${name}, shown this once: ${key}`;
}

export async function logIn(_: string, form: FormData): Promise<string> {
  const name = textOf(form, 'name');
  if (!findUser(name, textOf(form, 'key'))) return 'There is no such user, or the API key is another one.';
  await startSession(name);
  redirect('/');
}

export async function logOut(): Promise<void> {
  await endSession();
  redirect('/log-in');
}

export async function makeKey(): Promise<string> {
  const user = await currentUser();
  return `Your new API key, shown this once: ${renewKey(user)}`;
}

export async function makeProject(_: string, form: FormData): Promise<string> {
  const user = await currentUser();
  const name = textOf(form, 'project');
  if (!namePattern.test(name)) return nameRule;
  if (!addProject(name, user)) return 'This name is taken.';
  revalidatePath('/');
  return `${name} is yours.`;
}

export async function invite(_: string, form: FormData): Promise<string> {
  const [project, user] = [textOf(form, 'project'), textOf(form, 'name')];
  if (!isOwner(project, await currentUser())) return 'Only the owner of a project adds members to it.';
  if (!hasUser(user)) return 'There is no such user.';
  addMember(project, user);
  return `${user} pulls from and pushes to ${project}.`;
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}
