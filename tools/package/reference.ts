import ts from 'typescript';
import { compilerOptions, root, type Subpath } from './subpaths.ts';

/** What a subpath exports, in the order of its source. */
export interface SubpathExports {
  readonly specifier: string;
  readonly exports: readonly Export[];
}

/** An exported symbol as the built declarations have it. */
export interface Export {
  readonly name: string;
  readonly isType: boolean;
  /** The words of its docstring; empty where it has none. */
  readonly docstring: string;
  /** Without `export`, `declare` and the docstring; members keep theirs. An overloaded function has all of its signatures. */
  readonly declaration: string;
}

/** Reads the built declarations of subpaths. */
export function exportsOf(subpaths: readonly Pick<Subpath, 'specifier' | 'types'>[]): readonly SubpathExports[] {
  const { options } = ts.convertCompilerOptionsFromJson({ ...compilerOptions, noEmit: true }, root);
  const files = subpaths.map(({ types }) => types);
  const program = ts.createProgram(files, options);
  const checker = program.getTypeChecker();
  return subpaths.map(({ specifier, types }) => {
    const source = program.getSourceFile(types);
    const module = source && checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`${types} is missing, or exports nothing.`);
    return { specifier, exports: checker.getExportsOfModule(module).map((symbol) => exportOf(symbol, checker)) };
  });
}

function exportOf(symbol: ts.Symbol, checker: ts.TypeChecker): Export {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const nodes = (target.declarations ?? []).map((node) => (ts.isVariableDeclaration(node) ? node.parent.parent : node));
  const comments = nodes.flatMap((node) => ts.getJSDocCommentsAndTags(node)).map((comment) => comment.getText());
  return {
    name: symbol.name,
    isType: (target.flags & ts.SymbolFlags.Value) === 0,
    docstring: comments.map(wordsOf).join('\n\n'),
    declaration: nodes.map(declarationOf).join('\n'),
  };
}

function declarationOf(node: ts.Node): string {
  return node
    .getText()
    .replace(/^(export )?(declare )?/, '')
    .replace(/^( {4})+/gm, (indent) => indent.slice(indent.length / 2));
}

/** The words of a docstring, without the marks of a comment. */
function wordsOf(comment: string): string {
  return comment
    .replace(/^\/\*\*|\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* {0,2}/, '').trim())
    .join('\n')
    .trim();
}

/** Exports without a docstring, a sentence each. */
export function docstringFaults(subpaths: readonly SubpathExports[]): readonly string[] {
  return subpaths.flatMap(({ specifier, exports }) =>
    exports.filter(({ docstring }) => docstring === '').map(({ name }) => `${name} of ${specifier} has no docstring.`),
  );
}

const preamble = `# Reference of the library

<!-- Generated from the docstrings by "npm run package -- --update": change them there. -->

Everything that \`@moorage/registry\` exports, by import: first what is called, then types. [embedding.md](embedding.md) tells how to use it, [settings.md](settings.md)
what the settings mean, and [errors.md](errors.md) what clients are told.`;

/** The reference as one document. */
export function referenceMarkdown(subpaths: readonly SubpathExports[]): string {
  const contents = subpaths.map(({ specifier, exports }) => {
    const names = exports.filter(({ isType }) => !isType).map(({ name }) => `\`${name}\``);
    return `- [${specifier}](#${specifier.replace(/[^\w-]/g, '')}): ${names.join(', ')}`;
  });
  const sections = subpaths.flatMap(({ specifier, exports }) => [
    `## ${specifier}`,
    ...exports.filter(({ isType }) => !isType).map(exportMarkdown),
    ...exports.filter(({ isType }) => isType).map(exportMarkdown),
  ]);
  return `${[preamble, contents.join('\n'), ...sections].join('\n\n')}\n`;
}

function exportMarkdown({ name, docstring, declaration }: Export): string {
  // Not `ts`: declarations are no snippets that compile alone.
  const parts = [`### ${name}`, docstring, `\`\`\`typescript\n${declaration}\n\`\`\``];
  return parts.filter((part) => part !== '').join('\n\n');
}
