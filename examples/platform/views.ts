import type { Usage } from '@moorage/registry';
import { html } from 'hono/html';
import type { Customer } from './customers.ts';
import type { Preview } from './previews.ts';
import { inWords } from './words.ts';

type Html = ReturnType<typeof html>;

/** A whole page. */
export function layout(content: Html): Html {
  return html`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Platform</title>${content}</html>`;
}

export function operatorView(
  rows: readonly { readonly customer: Customer; readonly usage: Usage }[],
  plans: readonly string[],
): Html {
  const lines = rows.map(
    ({ customer: { name, plan, limitBytes }, usage }) => html`<tr><td>${name}</td>
<td>${inWords(usage.uniqueBytes)}</td><td>${inWords(usage.sharedBytes)}</td><td>${inWords(limitBytes)}</td>
<td>${usage.pulls}</td><td>${inWords(usage.sentBytes)}</td>
<td><form method="post" action="/operator/customers/${name}/plan">
<select name="plan">${plans.map((each) => html`<option ${each === plan ? 'selected' : ''}>${each}</option>`)}</select>
<button>Set plan</button></form></td></tr>`,
  );
  return html`<h1>Customers</h1>
<table><tr><th>Name</th><th>Own</th><th>Shared</th><th>Plan</th><th>Pulls</th><th>Sent</th><th></th></tr>${lines}</table>
<form method="post" action="/operator/customers"><label>Name <input name="name" required></label><button>Add</button></form>`;
}

export function keyView(host: string, name: string, key: string): Html {
  return html`<h1>${name}</h1><p>The key is shown this once: <code>${key}</code></p>
<pre>docker login ${host} --username ${name}
docker push ${host}/${name}/app:1</pre>`;
}

/** What a customer has. */
export interface Holdings {
  readonly customer: Customer;
  readonly usage: Usage;
  readonly repositories: readonly string[];
  readonly previews: readonly Preview[];
}

export function customerView({ customer: { name, plan, limitBytes }, usage, repositories, previews }: Holdings): Html {
  const usedBytes = usage.uniqueBytes + usage.sharedBytes;
  return html`<h1>${name}</h1>
<p>${inWords(usedBytes)} of ${inWords(limitBytes)} (plan ${plan})</p>
<meter max="${limitBytes}" value="${usedBytes}"></meter>
<dl>
<dt>Bytes that nobody else stores</dt><dd>${usage.uniqueBytes}</dd>
<dt>Bytes that others store, too</dt><dd>${usage.sharedBytes}</dd>
<dt>Manifests</dt><dd>${usage.manifests}</dd>
<dt>Tags</dt><dd>${usage.tags}</dd>
<dt>Pulls</dt><dd>${usage.pulls}</dd>
<dt>Bytes sent</dt><dd>${usage.sentBytes}</dd>
</dl>
<h2>Repositories</h2><ul>${repositories.map(repositoryView)}</ul>
<h2>Previews</h2><ul>${previews.map(previewView)}</ul>`;
}

function repositoryView(repository: string): Html {
  return html`<li><form method="post" action="/remove"><input type="hidden" name="repository" value="${repository}">
${repository} <button>Remove</button></form></li>`;
}

function previewView({ repository, tag, until }: Preview): Html {
  return html`<li><form method="post" action="/end-preview"><input type="hidden" name="repository" value="${repository}">
<input type="hidden" name="tag" value="${tag}">${repository}:${tag} until ${until.toISOString()} <button>End now</button></form></li>`;
}
