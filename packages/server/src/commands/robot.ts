import type { Command } from 'commander';
import { ExitError } from '../exit-error.ts';
import { type Answer, addDataCommand, type DataOptions, onData } from './data-command.ts';
import { newName, unknown } from './known.ts';
import type { Data } from './open-data.ts';
import { formatTime, table } from './table.ts';
import { readTokenOptions, type TokenOptions, tokenCells, tokenJson, tokenOptions } from './token-options.ts';

/** Robots log in under this and their name, which users cannot take. */
const prefix = 'robot+';

/** `moorage robot …` */
export function addRobotCommands(program: Command): void {
  const robot = program.command('robot').description('Robots: logins for machines, which may do what their list says.');
  const create = addDataCommand(robot, 'create <name>', 'Make a robot; its secret is shown this once.');
  for (const option of tokenOptions())
    create.addOption(option.long === '--repository' ? option.makeOptionMandatory() : option);
  create.action((name: string, options: TokenOptions) => onData(options, (data) => createRobot(data, name, options)));
  addDataCommand(robot, 'list', 'List the robots.').action((options: DataOptions) => onData(options, listRobots));
  addDataCommand(robot, 'remove <name>', 'Refuse a robot from the next request on.').action(
    (name: string, options: DataOptions) => onData(options, (data) => removeRobot(data, name)),
  );
}

async function createRobot(data: Data, typed: string, options: TokenOptions): Promise<Answer> {
  const name = newName('robot', typed);
  const identity = `${prefix}${name}`;
  const wanted = readTokenOptions(data, options);
  const robots = await data.tokens.list('robot');
  if (robots.some((robot) => robot.identity === identity)) {
    throw new ExitError(`There is a robot ${name} already: remove it first, or choose another name.`);
  }
  const { secret } = await data.tokens.create({ kind: 'robot', identity, ...wanted });
  await data.record('robot-create', { about: `${identity}: ${wanted.pattern} ${wanted.actions.join(',')}` });
  const expires = formatTime(Date.now() + wanted.ttlSeconds * 1000);
  const lines = [
    `Made the robot ${name}, good until ${expires}. It logs in as ${identity} with this secret, which is shown this once:`,
    secret,
  ];
  return { json: { name, login: identity, secret }, lines: options.quiet === true ? [secret] : lines };
}

async function listRobots({ tokens }: Data): Promise<Answer> {
  const robots = (await tokens.list('robot')).map((token) => ({ name: token.identity.slice(prefix.length), token }));
  const rows = robots.map(({ name, token }) => [name, token.identity, ...tokenCells(token)]);
  return {
    json: robots.map(({ name, token }) => ({ name, login: token.identity, ...tokenJson(token) })),
    lines: table(['name', 'login', 'repository', 'actions', 'expires'], rows, 'There is no robot yet.'),
  };
}

async function removeRobot({ tokens, metadata, record }: Data, name: string): Promise<Answer> {
  const robots = await tokens.list('robot');
  const robot = robots.find(({ identity }) => identity === `${prefix}${name}`);
  if (robot === undefined || !(await tokens.revoke(robot.id))) {
    throw unknown(
      'robot',
      name,
      robots.map(({ identity }) => identity.slice(prefix.length)),
    );
  }
  await metadata.removeGrantsOf({ subject: robot.identity });
  await record('robot-remove', { about: robot.identity });
  return { json: { name, login: robot.identity, ...tokenJson(robot) }, lines: [`Removed the robot ${name}.`] };
}
