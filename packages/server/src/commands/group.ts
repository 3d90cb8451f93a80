import type { Command } from 'commander';
import type { Group } from '../accounts/groups.ts';
import { ExitError } from '../exit-error.ts';
import { type Answer, addDataCommand, type DataOptions, onData } from './data-command.ts';
import { getGroup, getUser, newName } from './known.ts';
import type { Data } from './open-data.ts';
import { count, formatTime, isoTime, table } from './table.ts';

/** `moorage group …` */
export function addGroupCommands(program: Command): void {
  const group = program.command('group').description('Groups of users; a right for all of one is given to @GROUP.');
  addDataCommand(group, 'add <name>', 'Add a group.').action((name: string, options: DataOptions) =>
    onData(options, (data) => addGroup(data, name)),
  );
  addDataCommand(group, 'remove <name>', 'Remove a group and its rights.').action(
    (name: string, options: DataOptions) => onData(options, (data) => removeGroup(data, name)),
  );
  addDataCommand(group, 'list', 'List the groups.').action((options: DataOptions) => onData(options, listGroups));
  addDataCommand(group, 'join <name> <user>', 'Put a user into a group.').action(
    (name: string, user: string, options: DataOptions) => onData(options, (data) => join(data, { group: name, user })),
  );
  addDataCommand(group, 'leave <name> <user>', 'Take a user out of a group.').action(
    (name: string, user: string, options: DataOptions) => onData(options, (data) => leave(data, { group: name, user })),
  );
}

async function addGroup(data: Data, typed: string): Promise<Answer> {
  const name = newName('group', typed);
  if (!data.accounts.groups.add(name)) {
    throw new ExitError(`There is a group ${name} already: choose another name.`);
  }
  await data.record('group-add', { about: name });
  return { json: toJson(getGroup(data, name)), lines: [`Added the group ${name}; rights name it @${name}.`] };
}

async function removeGroup(data: Data, name: string): Promise<Answer> {
  const group = getGroup(data, name);
  const rights = await data.metadata.removeGrantsOf({ subject: `@${name}` });
  data.accounts.groups.remove(name);
  await data.record('group-remove', { about: name });
  return { json: { ...toJson(group), rights }, lines: [`Removed the group ${name} and ${count(rights, 'right')}.`] };
}

async function listGroups({ accounts }: Data): Promise<Answer> {
  const groups = accounts.groups.list();
  const rows = groups.map(({ name, members, createdMs }) => [name, members.join(','), formatTime(createdMs)]);
  return { json: groups.map(toJson), lines: table(['name', 'members', 'created'], rows, 'There is no group yet.') };
}

async function join(data: Data, { group, user }: { group: string; user: string }): Promise<Answer> {
  getGroup(data, group);
  getUser(data, user);
  data.accounts.groups.join({ group, user });
  await data.record('group-join', { about: `${user} to ${group}` });
  return { json: toJson(getGroup(data, group)), lines: [`${user} is in ${group}.`] };
}

async function leave(data: Data, { group, user }: { group: string; user: string }): Promise<Answer> {
  getGroup(data, group);
  if (!data.accounts.groups.leave({ group, user })) throw new ExitError(`${user} is not in ${group}.`);
  await data.record('group-leave', { about: `${user} from ${group}` });
  return { json: toJson(getGroup(data, group)), lines: [`${user} is not in ${group} any more.`] };
}

function toJson({ name, members, createdMs }: Group) {
  return { name, members, created: isoTime(createdMs) };
}
