import { createReadStream } from 'node:fs';
import { ReadableStream } from 'node:stream/web';
import { type Identity, OciError, type Registry } from '@moorage/registry';
import { Hono } from 'hono';
import { basicAuth } from 'hono/basic-auth';
import { csrf } from 'hono/csrf';
import { html } from 'hono/html';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { getMimeType } from 'hono/utils/mime';
import type { Release, Releases } from './releases.ts';
import { liveTag, type Sites } from './sites.ts';
import { authenticate } from './users.ts';

/** The sites, and the team's page about them. */
export function createPages(registry: Registry, sites: Sites, releases: Releases) {
  const app = new Hono<{ Variables: { user: Identity } }>();

  app.get('/sites/:site', (context) => context.redirect(`/sites/${context.req.param('site')}/`));
  app.get('/sites/:site/*', async (context) => {
    const { site } = context.req.param();
    const path = decodeURIComponent(context.req.path).slice(`/sites/${site}`.length);
    const file = await sites.findFile(site, path);
    if (file === undefined) return context.text('There is no such page.', 404);
    context.header('Content-Type', getMimeType(file) ?? 'application/octet-stream');
    // Sites share this host with the page below: their scripts must not act there in its reader's name.
    context.header('Content-Security-Policy', 'sandbox allow-scripts allow-forms allow-popups');
    return context.body(ReadableStream.from(readChunks(file)));
  });

  app.use(csrf());
  app.use(
    basicAuth({
      verifyUser(username, password, context) {
        const user = authenticate({ username, password });
        if (user !== undefined) context.set('user', user);
        return user !== undefined;
      },
    }),
  );
  app.get('/', (context) => {
    const sections = releases.listSites().map((site) => siteView(site, sites.liveDigest(site), releases.list(site)));
    return context.html(html`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sites</title><h1>Sites</h1>
<p>Deploy: <code>docker push ${context.req.header('host')}/NAME:${liveTag}</code></p>${sections}</html>`);
  });
  // To go back is to move the tag, as somebody who may: everything else follows from that.
  app.post('/live', async (context) => {
    const { site, digest } = await context.req.parseBody();
    const user = context.get('user');
    await registry.as(user).tag(String(site), liveTag, String(digest));
    await sites.follow(String(site), user.id);
    return context.redirect('/', 303);
  });

  app.onError((error, context) => {
    if (error instanceof OciError) return context.text(error.message, error.status as ContentfulStatusCode);
    if (error instanceof HTTPException) return error.getResponse();
    console.error(error);
    return context.text('Something went wrong.', 500);
  });
  return app;
}

/** Opens the file when the first chunk is wanted: an answer to HEAD wants none. */
async function* readChunks(file: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(file);
}

function siteView(site: string, live: string | undefined, releases: readonly Release[]) {
  const rows = releases.map(
    ({ digest, at, by, problem }) => html`<tr><td>${at.toISOString()}</td><td>${by}</td><td><code>${digest}</code></td>
<td>${problem ?? (digest === live ? 'live' : makeLive(site, digest))}</td></tr>`,
  );
  return html`<h2><a href="/sites/${site}/">${site}</a></h2><table>${rows}</table>`;
}

function makeLive(site: string, digest: string) {
  return html`<form method="post" action="/live"><input type="hidden" name="site" value="${site}">
<input type="hidden" name="digest" value="${digest}"><button>Make live</button></form>`;
}
