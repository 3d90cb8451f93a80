import type { Command } from 'commander';
import { ExitError } from '../exit-error.ts';
import { type Answer, addDataCommand, type DataOptions, onData } from './data-command.ts';
import { getUser, unknown } from './known.ts';
import type { Data } from './open-data.ts';
import { formatTime, table } from './table.ts';
import { readTokenOptions, type TokenOptions, tokenCells, tokenJson, tokenOptions } from './token-options.ts';

type CreateOptions = TokenOptions & { readonly user: string };

/** `moorage token …` */
export function addTokenCommands(program: Command): void {
  const token = program.command('token').description("Access tokens, which serve as passwords for their user's name.");
  const create = addDataCommand(token, 'create', 'Make an access token; its secret is shown this once.').requiredOption(
    '--user <name>',
    'user that it speaks for',
  );
  for (const option of tokenOptions()) create.addOption(option);
  create.action((options: CreateOptions) => onData(options, (data) => createToken(data, options)));
  addDataCommand(token, 'list', 'List the access tokens.').action((options: DataOptions) =>
    onData(options, listTokens),
  );
  addDataCommand(token, 'revoke <id>', 'Refuse an access token from the next request on.').action(
    (id: string, options: DataOptions) => onData(options, (data) => revokeToken(data, id)),
  );
}

async function createToken(data: Data, options: CreateOptions): Promise<Answer> {
  const { name, isDisabled } = getUser(data, options.user);
  if (isDisabled) throw new ExitError(`The user ${name} is disabled: moorage user enable ${name} first.`);
  const wanted = readTokenOptions(data, options);
  const { id, secret } = await data.tokens.create({ kind: 'user', identity: name, ...wanted });
  const reach = `${wanted.pattern ?? 'all'} ${wanted.actions.join(',')}`;
  await data.record('token-create', { about: `${id} for ${name}: ${reach}` });
  const expires = Date.now() + wanted.ttlSeconds * 1000;
  const lines = [
    `Made the token ${id} of ${name}, good until ${formatTime(expires)}. Its secret is shown this once:`,
    secret,
  ];
  return { json: { id, user: name, secret }, lines: options.quiet === true ? [secret] : lines };
}

async function listTokens({ tokens }: Data): Promise<Answer> {
  const all = await tokens.list('user');
  const rows = all.map((token) => [token.id, token.identity, ...tokenCells(token)]);
  return {
    json: all.map((token) => ({ user: token.identity, ...tokenJson(token) })),
    lines: table(['id', 'user', 'repository', 'actions', 'expires'], rows, 'There is no token yet.'),
  };
}

async function revokeToken({ tokens, record }: Data, id: string): Promise<Answer> {
  const all = await tokens.list('user');
  const token = all.find((other) => other.id === id);
  if (token === undefined || !(await tokens.revoke(id))) {
    throw unknown(
      'token',
      id,
      all.map((other) => other.id),
    );
  }
  await record('token-revoke', { about: `${id} of ${token.identity}` });
  return {
    json: { user: token.identity, ...tokenJson(token) },
    lines: [`Revoked the token ${id} of ${token.identity}.`],
  };
}
