/** Somebody at the pages of an example, with a cookie. */
export type Browser = {
  /** Sends a form and follows to where it leads. Throws unless the page is a good one. */
  submit(path: string, fields: Readonly<Record<string, string>>): Promise<string>;
  /** The page; throws unless its status is `expect`, 200 by default. */
  open(path: string, options?: { readonly expect?: number }): Promise<string>;
};

/** Opens nothing yet. */
export function createBrowser(url: string): Browser {
  let cookie = '';
  const browser: Browser = {
    async submit(path, fields) {
      const init = { method: 'POST', headers: { cookie }, body: new URLSearchParams(fields) };
      const answer = await fetch(new URL(path, url), { ...init, redirect: 'manual' });
      cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
      const location = answer.headers.get('location');
      if (location !== null) return browser.open(location);
      return pageOf(answer, { path, expect: 200 });
    },
    async open(path, { expect = 200 } = {}) {
      return pageOf(await fetch(new URL(path, url), { headers: { cookie } }), { path, expect });
    },
  };
  return browser;
}

async function pageOf(answer: Response, { path, expect }: { path: string; expect: number }): Promise<string> {
  const text = await answer.text();
  if (answer.status === expect) return text;
  throw new Error(`The page ${path} has status ${answer.status} and not ${expect}:\n${text}`);
}
