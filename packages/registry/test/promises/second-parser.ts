import ts from 'typescript';

/** A JSON value as it was written: of an object all members, those that have the same key too. */
export type Written =
  | { readonly kind: 'object'; readonly members: readonly (readonly [key: string, value: Written])[] }
  | { readonly kind: 'array'; readonly items: readonly Written[] }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'null' }
  | { readonly kind: 'other' };

/** What TypeScript's parser reads in `text`, which is JSON: it keeps what `JSON.parse` forgets. */
export function readWritten(text: string): Written {
  const [statement] = ts.parseJsonText('manifest.json', text).statements;
  if (statement === undefined) throw new TypeError('There is no value in the text.');
  return toWritten(statement.expression);
}

function toWritten(node: ts.Expression): Written {
  if (ts.isArrayLiteralExpression(node)) return { kind: 'array', items: node.elements.map(toWritten) };
  if (ts.isStringLiteral(node)) return { kind: 'text', text: node.text };
  if (node.kind === ts.SyntaxKind.NullKeyword) return { kind: 'null' };
  if (!ts.isObjectLiteralExpression(node)) return { kind: 'other' };
  return {
    kind: 'object',
    members: node.properties.map((property) => {
      if (!ts.isPropertyAssignment(property) || !ts.isStringLiteral(property.name)) {
        throw new TypeError(`A member of an object is no pair: ${property.getText()}`);
      }
      return [property.name.text, toWritten(property.initializer)] as const;
    }),
  };
}

const partsOf = (value: Written): readonly Written[] =>
  value.kind === 'array' ? value.items : value.kind === 'object' ? value.members.map(([, member]) => member) : [];

/** Whether an object of `value` has a key twice. */
export function hasDuplicate(value: Written): boolean {
  const keys = value.kind === 'object' ? value.members.map(([key]) => key) : [];
  return new Set(keys).size < keys.length || partsOf(value).some(hasDuplicate);
}

/** How many arrays and objects are open at the deepest place of `value`. */
export function depthOf(value: Written): number {
  if (value.kind !== 'array' && value.kind !== 'object') return 0;
  return 1 + Math.max(0, ...partsOf(value).map(depthOf));
}

/** How a client finds a member: of several, with or without regard to case. */
export interface Reader {
  readonly takesLast: boolean;
  /** As Go's encoding/json does, with its two letters from outside ASCII. */
  readonly ignoresCase: boolean;
}

export const readers: readonly Reader[] = [
  { takesLast: false, ignoresCase: false },
  { takesLast: true, ignoresCase: false },
  { takesLast: false, ignoresCase: true },
  { takesLast: true, ignoresCase: true },
];

const fold = (key: string) => key.replaceAll('ſ', 's').replaceAll('\u212a', 'k').toLowerCase();

/** The member of `value` that `reader` takes for `key`; `null` counts as none. */
export function member(
  value: Written | undefined,
  key: string,
  { takesLast, ignoresCase }: Reader,
): Written | undefined {
  if (value?.kind !== 'object') return undefined;
  const found = value.members.filter(([name]) => (ignoresCase ? fold(name) === fold(key) : name === key));
  const taken = found.at(takesLast ? -1 : 0)?.[1];
  return taken?.kind === 'null' ? undefined : taken;
}
