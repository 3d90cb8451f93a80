import { type Html, html } from './html.ts';
import type { Project } from './projects.ts';
import type { Push } from './pushes.ts';
import type { ApiKey } from './users.ts';

/** A whole page. */
export function layout(user: string | undefined, content: Html): string {
  const account = user === undefined ? html`<a href="/log-in">Log in</a>` : logOut(user);
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Projects</title>
<header><a href="/">Projects</a> ${account}</header>
<main>${content}</main>
</html>`.html;
}

function logOut(user: string): Html {
  return html`<form method="post" action="/log-out">${user} <button>Log out</button></form>`;
}

export function logInView(message?: string): Html {
  return html`<h1>Log in</h1><p>${message}</p>
<form method="post" action="/log-in">${nameAndPassword}<button>Log in</button> <button formaction="/sign-up">Sign up</button></form>`;
}

const nameAndPassword = html`
<label>Name <input name="name" required autocomplete="username"></label>
<label>Password <input name="password" type="password" required minlength="12" autocomplete="current-password"></label>
`;

/** What somebody sees: projects and, for a user, the repositories in them and what they may make. */
export interface Seen {
  readonly projects: readonly Project[];
  readonly repositories?: readonly string[];
  readonly apiKeys?: readonly ApiKey[];
}

export function homeView(user: string | undefined, { projects, repositories = [], apiKeys = [] }: Seen): Html {
  const sections = projects.map((project) => projectView(project, repositories));
  return html`<h1>Projects</h1>${sections}${user === undefined ? undefined : userView(apiKeys)}`;
}

function projectView({ name, visibility, role }: Project, repositories: readonly string[]): Html {
  const own = repositories.filter((repository) => repository.startsWith(`${name}/`));
  return html`<section>
<h2>${name} (${visibility}${role && `, you are ${role}`})</h2>
<ul>${own.map((repository) => html`<li><a href="/repositories/${repository}">${repository}</a></li>`)}</ul>
${role === 'owner' ? memberForm(name) : undefined}
</section>`;
}

function memberForm(project: string): Html {
  return html`<form method="post" action="/projects/${project}/members">
<label>User <input name="user" required></label>
<select name="role"><option>contributor</option><option>owner</option><option>none</option></select>
<button>Set role</button>
</form>`;
}

function userView(apiKeys: readonly ApiKey[]): Html {
  const keys = apiKeys.map(
    ({ id, label }) =>
      html`<li><form method="post" action="/api-keys/${id}/revoke">${label} <button>Revoke</button></form></li>`,
  );
  return html`<h2>A new project</h2>
<form method="post" action="/projects">
<label>Name <input name="name" required></label>
<select name="visibility"><option>private</option><option>public</option></select>
<button>Make</button>
</form>
<h2>API keys</h2>
<ul>${keys}</ul>
<form method="post" action="/api-keys"><label>For <input name="label" required></label><button>Make a key</button></form>`;
}

export function apiKeyView(host: string, user: string, key: string): Html {
  return html`<h1>Your new key</h1><p>It is shown this once: <code>${key}</code></p>
<pre>docker login ${host} --username ${user}</pre>`;
}

/** A tag of the registry's, with what the application knows about it. */
export interface TagRow {
  readonly tag: string;
  readonly push: Push | undefined;
}

export function repositoryView(name: string, host: string, tags: readonly TagRow[]): Html {
  const rows = tags.map(
    ({ tag, push }) => html`<tr><td><code>docker pull ${host}/${name}:${tag}</code></td>
<td>${push?.at.toISOString()}</td><td>${push?.user}</td></tr>`,
  );
  return html`<h1>${name}</h1><table><tr><th>Tag</th><th>Pushed</th><th>By</th></tr>${rows}</table>`;
}

export function messageView(message: string): Html {
  return html`<p>${message}</p><p><a href="/">Back</a></p>`;
}
