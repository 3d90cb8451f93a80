import process from 'node:process';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { isPassword, passwordRule } from '../accounts/passwords.ts';
import type { User } from '../accounts/users.ts';
import { ExitError } from '../exit-error.ts';
import { type Answer, addDataCommand, type DataOptions, onData } from './data-command.ts';
import { getUser, newName } from './known.ts';
import type { Data } from './open-data.ts';
import { count, formatTime, isoTime, table } from './table.ts';

/** `moorage user …` */
export function addUserCommands(program: Command): void {
  const user = program.command('user').description('Users, who log in with their name and a password.');
  const passwordFlag = ['--password-stdin', 'read the password from stdin; one newline at its end is dropped'] as const;

  addDataCommand(user, 'add <name>', 'Add a user.')
    .option('--admin', 'may do everything in every repository')
    .requiredOption(...passwordFlag)
    .action((name: string, options: DataOptions & { readonly admin?: true }) =>
      onData(options, (data) => addUser(data, name, options.admin === true), { makes: true }),
    );
  addDataCommand(user, 'list', 'List the users.').action((options: DataOptions) => onData(options, listUsers));
  addDataCommand(user, 'disable <name>', 'Refuse a user from the next request on, with tokens, too.').action(
    (name: string, options: DataOptions) => onData(options, (data) => setDisabled(data, name, true)),
  );
  addDataCommand(user, 'enable <name>', 'Let a disabled user in again.').action((name: string, options: DataOptions) =>
    onData(options, (data) => setDisabled(data, name, false)),
  );
  addDataCommand(user, 'remove <name>', 'Remove a user with its tokens and rights; what it pushed stays.').action(
    (name: string, options: DataOptions) => onData(options, (data) => removeUser(data, name)),
  );
  addDataCommand(
    user,
    'password <name>',
    'Set the password of a user; the one before is refused from the next request on, and so is who logged in with it.',
  )
    .requiredOption(...passwordFlag)
    .action((name: string, options: DataOptions) => onData(options, (data) => setPassword(data, name)));
}

async function addUser(data: Data, typed: string, isAdmin: boolean): Promise<Answer> {
  const name = newName('user', typed);
  if (data.accounts.users.find(name) === undefined) {
    // A token that was made while the last user of that name was being removed is not the next one's.
    await data.metadata.removeAccessTokensOf({ identity: name });
  }
  if (!(await data.accounts.users.add({ name, password: await readPassword(), isAdmin }))) {
    throw new ExitError(`There is a user ${name} already: choose another name.`);
  }
  await data.record('user-add', { about: isAdmin ? `${name} as administrator` : name });
  return { json: toJson(getUser(data, name)), lines: [`Added the ${isAdmin ? 'administrator' : 'user'} ${name}.`] };
}

async function listUsers({ accounts }: Data): Promise<Answer> {
  const users = accounts.users.list();
  const rows = users.map(({ name, isAdmin, isDisabled, groups, createdMs }) => [
    name,
    isAdmin ? 'administrator' : 'user',
    isDisabled ? 'disabled' : 'enabled',
    groups.join(','),
    formatTime(createdMs),
  ]);
  const lines = table(['name', 'kind', 'state', 'groups', 'created'], rows, 'There is no user yet.');
  return { json: users.map(toJson), lines };
}

async function setDisabled(data: Data, name: string, isDisabled: boolean): Promise<Answer> {
  getUser(data, name);
  data.accounts.users.setDisabled(name, isDisabled);
  await data.record(isDisabled ? 'user-disable' : 'user-enable', { about: name });
  const line = isDisabled ? `${name} is refused from the next request on.` : `${name} may log in again.`;
  return { json: toJson(getUser(data, name)), lines: [line] };
}

async function removeUser(data: Data, name: string): Promise<Answer> {
  const user = getUser(data, name);
  // Refused first, so that it gets nothing anew meanwhile; gone last, so that a removal that broke off can be typed again.
  data.accounts.users.setDisabled(name, true);
  const tokens = await data.metadata.removeAccessTokensOf({ identity: name });
  const rights = await data.metadata.removeGrantsOf({ subject: name });
  data.accounts.users.remove(name);
  await data.record('user-remove', { about: name });
  return {
    json: { ...toJson(user), tokens, rights },
    lines: [`Removed the user ${name}, ${count(tokens, 'token')} and ${count(rights, 'right')}.`],
  };
}

async function setPassword(data: Data, name: string): Promise<Answer> {
  const user = getUser(data, name);
  await data.accounts.users.setPassword(name, await readPassword());
  // Clients that logged in with the password before must not go on with what they were given for it.
  for (const { id, identity } of await data.tokens.list('offline')) {
    if (identity === name) await data.tokens.revoke(id);
  }
  await data.record('user-password', { about: name });
  return { json: toJson(user), lines: [`Set the password of ${name}.`] };
}

/** The password on stdin, which a terminal would show. */
async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) {
    throw new ExitError('--password-stdin reads a pipe, such as: printf %s "$PASSWORD" | moorage user …');
  }
  const password = (await text(process.stdin)).replace(/\r?\n$/, '');
  if (!isPassword(password)) throw new ExitError(`The password on stdin cannot be one: it must be ${passwordRule}.`);
  return password;
}

function toJson({ name, isAdmin, isDisabled, groups, createdMs }: User) {
  return { name, admin: isAdmin, disabled: isDisabled, groups, created: isoTime(createdMs) };
}
