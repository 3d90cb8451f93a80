import { html } from 'hono/html';
import type { Approval } from './approvals.ts';
import type { Card } from './cards.ts';

type Html = ReturnType<typeof html>;

/** A whole page. Annotations are anybody's text: the template escapes what is put into it. */
export function layout(content: Html): Html {
  return html`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Models</title>
<nav><a href="/">Models</a> <a href="/own">My models</a></nav>${content}</html>`;
}

export function homeView(text: string, cards: readonly Card[]): Html {
  return html`<h1>Models</h1><form><input name="search" value="${text}"><button>Search</button></form>
<ul>${cards.map(
    ({ repository, title, description, pulls }) =>
      html`<li><a href="/models/${repository}">${title}</a> (${pulls} pulls): ${description}</li>`,
  )}</ul>`;
}

export function cardView(
  { repository, tag, title, description, licenses, kind, sizeBytes, pulls }: Card,
  host: string,
): Html {
  return html`<h1>${title}</h1><p>${description}</p>
<dl><dt>Type</dt><dd>${kind}</dd><dt>Licenses</dt><dd>${licenses}</dd><dt>Bytes</dt><dd>${sizeBytes}</dd><dt>Pulls</dt><dd>${pulls}</dd></dl>
<pre>oras pull ${host}/${repository}:${tag}</pre>
<form method="post" action="/ask"><input type="hidden" name="repository" value="${repository}"><button>Ask the owner for it</button></form>`;
}

export function ownView(approvals: readonly Approval[]): Html {
  return html`<h1>Who may pull my models</h1><ul>${approvals.map(
    ({
      repository,
      user,
      isApproved,
    }) => html`<li><form method="post"><input type="hidden" name="repository" value="${repository}">
<input type="hidden" name="user" value="${user}">${user}: ${repository}
${isApproved ? '' : html`<button formaction="/own/approve">Approve</button>`}
<button formaction="/own/remove">${isApproved ? 'Take back' : 'Decline'}</button></form></li>`,
  )}</ul>`;
}
