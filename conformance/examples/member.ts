import type { Login } from './caller.ts';

/** Somebody at the pages of an example, whose browser shows a login by itself; without one, a visitor. */
export type Member = {
  /** The page; throws unless its status is `expect`, 200 by default. */
  open(path: string, options?: { readonly expect?: number }): Promise<string>;
  /** Sends a form, follows to where it leads, and returns the page. */
  submit(
    path: string,
    fields: Readonly<Record<string, string>>,
    options?: { readonly expect?: number },
  ): Promise<string>;
};

/** Opens nothing yet. */
export function createMember(url: string, login?: Login): Member {
  const basic = login === undefined ? undefined : Buffer.from(`${login.user}:${login.password}`).toString('base64');
  // Browsers send where a form stands, and pages take none from elsewhere.
  const headers = { Origin: url, ...(basic === undefined ? {} : { Authorization: `Basic ${basic}` }) };
  async function ask(path: string, init: RequestInit, expect = 200): Promise<string> {
    const answer = await fetch(new URL(path, url), { headers, ...init });
    const text = await answer.text();
    if (answer.status === expect) return text;
    throw new Error(
      `The page ${path} has status ${answer.status} and not ${expect} for ${login?.user ?? 'a visitor'}:\n${text}`,
    );
  }
  return {
    open: (path, { expect } = {}) => ask(path, {}, expect),
    submit: (path, fields, { expect } = {}) => ask(path, { method: 'POST', body: new URLSearchParams(fields) }, expect),
  };
}
