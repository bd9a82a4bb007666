import type * as vscode from 'vscode';
import { Position } from './vscodeStub.ts';

export interface DocumentOptions {
  uri?: string;
  languageId?: string;
}

/** A document as VS Code hands it out, with `|` at the cursor. */
export function textDocument(
  marked: string,
  { uri = 'file:///project/main.ts', languageId = 'typescript' }: DocumentOptions = {},
): { document: vscode.TextDocument; position: vscode.Position } {
  const cursor = marked.indexOf('|');
  const text = marked.replace('|', '');
  const offsetAt = ({ line, character }: Position): number =>
    text.split('\n').slice(0, line).join('\n').length + (line > 0 ? 1 : 0) + character;
  const before = text.slice(0, cursor).split('\n');
  const [scheme = '', path = ''] = uri.split(/:(?:\/\/)?/);
  const document = {
    uri: { scheme, path, toString: () => uri },
    languageId,
    offsetAt,
    getText: (range?: { start: Position; end: Position }) =>
      range ? text.slice(offsetAt(range.start), offsetAt(range.end)) : text,
  };
  const position = new Position(before.length - 1, before.at(-1)!.length);
  return { document: document as unknown as vscode.TextDocument, position: position as unknown as vscode.Position };
}
