/** What a rule wants of claims: each by an exact text or with `*`, which stands for any text, slashes too. */
export type ClaimPatterns = Readonly<Record<string, string>>;

/** Whether every claim that the patterns name is there and matches; of a list one entry must. What is neither text, number nor boolean matches nothing. */
export function claimsMatch(patterns: ClaimPatterns, claims: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(patterns).every(([name, pattern]) => {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.some((one) => isPlain(one) && globMatches(pattern, String(one)));
  });
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** Whether the whole text matches. The time grows with the lengths alone, whatever text a stranger chose. */
export function globMatches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === pattern;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let place = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, place);
    if (found < 0 || found + part.length > end) return false;
    place = found + part.length;
  }
  return true;
}
