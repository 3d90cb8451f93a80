import { flagOf, settingRows, variableOf } from './settings.ts';

/** docs/settings.md: every setting, from the table in settings.ts. */
export function settingsMarkdown(): string {
  const sections = settingRows.map(([name, row]) => {
    const fallback = row.default === undefined ? 'not set' : row.default === '' ? 'empty' : `\`${row.default}\``;
    return `## ${name}

${row.description}.

| flag | environment | default | value |
|---|---|---|---|
| \`${flagOf(name)}\` | \`${variableOf(name)}\` | ${fallback} | ${row.type.expects} |
`;
  });
  return `# Settings

<!-- Generated from packages/server/src/settings.ts: change it there. -->

Each setting has one name. What is \`uploads.ttlSeconds\` here is the flag \`--uploads-ttl-seconds\` of \`moorage serve\`, the environment
variable \`MOORAGE_UPLOADS_TTL_SECONDS\`, and this in the YAML file that \`--config FILE\` (or \`MOORAGE_CONFIG\`) names:

\`\`\`yaml
uploads:
  ttlSeconds: 86400
\`\`\`

A flag goes before the environment, the environment before the file, the file before the default. An empty variable counts as not set.
A name that is not in this list is an error. Relative paths start from the directory in which the command was typed.

${sections.join('\n')}`;
}
