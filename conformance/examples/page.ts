import type { Login } from './caller.ts';

/** The root page, by a browser that shows a login by itself; throws unless its status is `expect`, 200 by default. */
export async function openPage(url: string, { user, password }: Login, { expect = 200 } = {}): Promise<string> {
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  const answer = await fetch(url, { headers: { Authorization: `Basic ${basic}` } });
  const text = await answer.text();
  if (answer.status === expect) return text;
  throw new Error(`The page has status ${answer.status} and not ${expect} for ${user}:\n${text}`);
}
