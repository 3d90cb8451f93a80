import type { Command } from 'commander';
import type { Person } from '../accounts/people.ts';
import { type Answer, addDataCommand, type DataOptions, onData } from './data-command.ts';
import { unknown } from './known.ts';
import type { Data } from './open-data.ts';
import { count, formatTime, isoTime, table } from './table.ts';

/** `moorage people …` */
export function addPeopleCommands(program: Command): void {
  const people = program.command('people').description('People who logged in at an OpenID Connect issuer.');
  addDataCommand(people, 'list', 'List the people who logged in.').action((options: DataOptions) =>
    onData(options, listPeople),
  );
  addDataCommand(
    people,
    'remove <name>',
    "End somebody's logins and take their rights, so that another person may have the name; the issuer decides who logs in again.",
  ).action((name: string, options: DataOptions) => onData(options, (data) => removePerson(data, name)));
}

async function listPeople({ accounts }: Data): Promise<Answer> {
  const people = accounts.people.list();
  const rows = people.map(({ name, issuer, subject, groups, seenMs }) => {
    return [name, issuer, subject, groups.join(','), formatTime(seenMs)];
  });
  const lines = table(['name', 'issuer', 'subject', 'groups', 'last login'], rows, 'Nobody has logged in yet.');
  return { json: people.map(toJson), lines };
}

async function removePerson(data: Data, name: string): Promise<Answer> {
  const { people } = data.accounts;
  const person = people.find(name);
  if (person === undefined) {
    throw unknown(
      'person',
      name,
      people.list().map((other) => other.name),
    );
  }
  // Refused first, so that nothing is made anew meanwhile: without the person no token of theirs is good.
  people.remove(name);
  const isUser = data.accounts.users.find(name) !== undefined;
  // What a user of that name has by now is the user's.
  const tokens = isUser ? 0 : await data.metadata.removeAccessTokensOf({ identity: name });
  const rights = isUser ? 0 : await data.metadata.removeGrantsOf({ subject: name });
  await data.record('people-remove', { about: name });
  return {
    json: { ...toJson(person), tokens, rights },
    lines: [`Removed ${name}, ${count(tokens, 'token')} and ${count(rights, 'right')}.`],
  };
}

function toJson({ name, issuer, subject, groups, createdMs, seenMs }: Person) {
  return { name, issuer, subject, groups, created: isoTime(createdMs), seen: isoTime(seenMs) };
}
