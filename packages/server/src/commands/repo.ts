import { type Command, Option } from 'commander';
import { addDataCommand, type DataOptions, onData } from './data-command.ts';
import { grantRole, revokeRole } from './repo-grants.ts';
import { listRepositories, removeRepository, setVisibility, showRepository } from './repositories.ts';

type Visibility = 'public' | 'private';
type Role = 'owner' | 'contributor' | 'reader';

/** `moorage repo …` */
export function addRepoCommands(program: Command): void {
  const repo = program.command('repo').description('Repositories, and who may do what with them.');
  addDataCommand(repo, 'list', 'List the repositories that hold something.').action((options: DataOptions) =>
    onData(options, listRepositories),
  );
  addDataCommand(
    repo,
    'show <name>',
    'Show a repository, or a namespace such as "team/*", with the rights on it.',
  ).action((name: string, options: DataOptions) => onData(options, (data) => showRepository(data, name)));
  addDataCommand(repo, 'set <name>', 'Set who may pull: everyone, or those who have a right.')
    .addOption(
      new Option('--visibility <visibility>', 'who may pull').choices(['public', 'private']).makeOptionMandatory(),
    )
    .action((name: string, options: DataOptions & { readonly visibility: Visibility }) =>
      onData(options, (data) => setVisibility(data, name, options.visibility)),
    );
  addDataCommand(repo, 'grant <name> <user>', 'Give a user or @GROUP a role on a repository or a namespace.')
    .addOption(
      new Option('--role <role>', 'owner: everything; contributor: pull, push and delete; reader: pull')
        .choices(['owner', 'contributor', 'reader'])
        .makeOptionMandatory(),
    )
    .option('--outside', 'the user or group is known from outside: an htpasswd file or an issuer')
    .action((name: string, subject: string, options: DataOptions & { readonly role: Role; readonly outside?: true }) =>
      onData(options, (data) =>
        grantRole(data, name, { subject, role: options.role, isOutside: options.outside === true }),
      ),
    );
  addDataCommand(repo, 'revoke <name> <user>', 'Take the role of a user or @GROUP away.').action(
    (name: string, subject: string, options: DataOptions) => onData(options, (data) => revokeRole(data, name, subject)),
  );
  addDataCommand(repo, 'remove <name>', 'Remove a repository with all that it holds, and the rights on it.').action(
    (name: string, options: DataOptions) => onData(options, (data) => removeRepository(data, name)),
  );
}
