import { globSync, readFileSync } from 'node:fs';
import ts from 'typescript';

/** Every English text that a file of extension or page gives to `t()`: literals, sums and choices of such. */
export function translatedTexts(): Set<string> {
  const texts = new Set<string>();
  for (const file of globSync('{extension,webview}/**/*.{ts,tsx}')) {
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && /(^|\.)t$/.test(node.expression.getText()) && node.arguments[0]) {
        for (const text of literals(node.arguments[0])) texts.add(text);
      }
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true));
  }
  return texts;
}

function literals(node: ts.Expression): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isConditionalExpression(node)) return [...literals(node.whenTrue), ...literals(node.whenFalse)];
  if (ts.isBinaryExpression(node)) return [literals(node.left).join('') + literals(node.right).join('')];
  return [];
}
