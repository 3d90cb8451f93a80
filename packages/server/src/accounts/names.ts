const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** What the name of a user, group or robot must be; completes "it must be …". */
export const accountNameRule =
  'up to 64 lower-case letters, digits, dots, underscores and hyphens, beginning with a letter or digit';

/** Whether `text` can name a user, group or robot: it is safe in shells and URLs, and neither a group (`@ops`) nor a robot (`robot+ci`) as rights name them. */
export function isAccountName(text: string): boolean {
  return namePattern.test(text);
}
