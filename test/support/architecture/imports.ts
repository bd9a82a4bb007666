/** The imports and global names that the product's files use, read from their syntax trees. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';

/** One source file of the product, read once. */
export interface Source {
  readonly file: string;
  /** Paths from the repository's root, or names of packages; types that are imported count like values. */
  readonly imports: readonly string[];
  /** All identifiers of the file, and its string literals in single quotes. */
  readonly names: ReadonlySet<string>;
}

/** Every file that git tracks, or would track: relative to the root, with forward slashes. */
export const files: readonly string[] = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate'],
  { encoding: 'utf8' },
)
  .split('\n')
  .filter(Boolean);

const PRODUCT = /^(kernels|engine|extension|webview)\/.*\.tsx?$/;
/** AssemblyScript is not TypeScript; declarations import nothing. */
const NOT_PARSED = /^kernels\/wasm\/assembly\/|\.d\.ts$/;

/** The product's TypeScript. */
export const sources: readonly Source[] = files
  .filter((file) => PRODUCT.test(file) && !NOT_PARSED.test(file))
  .map((file) => parse(file, readFileSync(file, 'utf8')));

const byFile = new Map(sources.map((source) => [source.file, source]));

/** Exported for the tests of the rules: parses one file's text. */
export function parse(file: string, text: string): Source {
  const imports: string[] = [];
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const target = importedModule(node);
    if (target) imports.push(target.startsWith('.') ? normalize(join(dirname(file), target)) : target);
    else if (ts.isIdentifier(node)) names.add(node.text);
    else if (ts.isStringLiteral(node)) names.add(`'${node.text}'`);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  return { file, imports, names };
}

/** The module that a declaration, `import()` or `import type` expression names. */
function importedModule(node: ts.Node): string | undefined {
  if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
    return (node.moduleSpecifier as ts.StringLiteral).text;
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return (node.argument.literal as ts.StringLiteral).text;
  }
  const [argument] = ts.isCallExpression(node) ? node.arguments : [];
  const imports = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return imports && argument && ts.isStringLiteral(argument) ? argument.text : undefined;
}

/** The shortest chain of imports from `file` to a module that `isTarget` accepts, or undefined. */
export function chain(file: string, isTarget: (module: string) => boolean): string[] | undefined {
  const cameFrom = new Map<string, string | undefined>([[file, undefined]]);
  for (const current of cameFrom.keys()) {
    for (const target of byFile.get(current)?.imports ?? []) {
      if (isTarget(target)) return [...path(cameFrom, current), target];
      if (byFile.has(target) && !cameFrom.has(target)) cameFrom.set(target, current);
    }
  }
  return undefined;
}

/** One circle of imports per file that lies on one, without repetitions of the same circle. */
export function circles(): string[] {
  const found = sources.flatMap(({ file, imports }) =>
    imports.flatMap((target) => {
      const back = byFile.has(target)
        ? target === file
          ? [file]
          : chain(target, (module) => module === file)
        : undefined;
      return back ? [canonical(back)] : [];
    }),
  );
  return [...new Set(found)].sort();
}

/** The circle written from its first file in the alphabet. */
function canonical(circle: string[]): string {
  const start = circle.indexOf([...circle].sort()[0]!);
  const turned = [...circle.slice(start), ...circle.slice(0, start)];
  return [...turned, turned[0]].join(' -> ');
}

function path(cameFrom: Map<string, string | undefined>, end: string): string[] {
  const steps = [end];
  for (let at = cameFrom.get(end); at; at = cameFrom.get(at)) steps.unshift(at);
  return steps;
}
