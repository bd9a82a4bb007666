import type * as vscode from 'vscode';
import { Position } from './vscodeStub.ts';

export interface DocumentOptions {
  uri?: string;
  languageId?: string;
}

interface Open {
  document: vscode.TextDocument;
  position: vscode.Position;
}

/** A document as VS Code hands it out, with `|` at the cursor. */
export function textDocument(marked: string, options: DocumentOptions = {}): Open {
  return documentWith(marked.replace('|', ''), marked.indexOf('|'), options);
}

/** The same with the cursor at an offset. */
export function documentWith(
  text: string,
  cursor: number,
  { uri = 'file:///project/main.ts', languageId = 'typescript' }: DocumentOptions = {},
): Open {
  const lineCount = text.split('\n').length;
  const offsetAt = ({ line, character }: Position): number =>
    line >= lineCount
      ? text.length
      : text.split('\n').slice(0, line).join('\n').length + (line > 0 ? 1 : 0) + character;
  const positionAt = (offset: number): Position => {
    const before = text.slice(0, offset).split('\n');
    return new Position(before.length - 1, before.at(-1)!.length);
  };
  const [scheme = '', path = ''] = uri.split(/:(?:\/\/)?/);
  const document = {
    uri: {
      scheme,
      path,
      toString: () => uri,
      with: (changed: { path: string }) => ({ scheme, ...changed, toString: () => uri.replace(path, changed.path) }),
    },
    languageId,
    lineCount,
    offsetAt,
    positionAt,
    getText: ({ start, end }: { start: Position; end: Position }) => text.slice(offsetAt(start), offsetAt(end)),
  };
  const position = positionAt(cursor) as unknown as vscode.Position;
  return { document: document as unknown as vscode.TextDocument, position };
}
