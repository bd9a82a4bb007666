/** Plain classes of the `vscode` module, for its stand-in. */
import { posix } from 'node:path';
import type * as vscode from 'vscode';

export class Position {
  constructor(
    readonly line: number,
    readonly character: number,
  ) {}
}

export class Range {
  readonly start: Position;
  readonly end: Position;
  constructor(start: Position | number, end: Position | number, endLine?: number, endCharacter?: number) {
    this.start = typeof start === 'number' ? new Position(start, end as number) : start;
    this.end = typeof start === 'number' ? new Position(endLine!, endCharacter!) : (end as Position);
  }
  get isEmpty(): boolean {
    return this.start.line === this.end.line && this.start.character === this.end.character;
  }
}

export class Selection extends Range {
  get active(): Position {
    return this.end;
  }
}

export class Disposable {
  readonly #end: () => void;

  constructor(end: () => void) {
    this.#end = end;
  }
  static from(...things: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const thing of things) thing.dispose();
    });
  }
  dispose(): void {
    this.#end();
  }
}

export class LanguageModelTextPart {
  constructor(readonly value: string) {}
}

export class EventEmitter<T> {
  readonly #listeners = new Set<(event: T) => void>();
  readonly event = (listener: (event: T) => void): vscode.Disposable => {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };
  fire(event: T): void {
    for (const listener of this.#listeners) listener(event);
  }
  dispose(): void {
    this.#listeners.clear();
  }
}

export class Uri {
  constructor(
    readonly scheme: string,
    readonly authority: string,
    readonly path: string,
    readonly query = '',
  ) {}
  static from({ scheme, authority = '', path = '', query = '' }: Partial<Uri> & { scheme: string }): Uri {
    return new Uri(scheme, authority, path, query);
  }
  static file(path: string): Uri {
    return new Uri('file', '', path);
  }
  static parse(text: string): Uri {
    const [, scheme = 'file', authority = '', path = '', query = ''] =
      /^(?:([a-z][\w+.-]*):)?(?:\/\/([^/?]*))?([^?]*)(?:\?(.*))?$/i.exec(text) ?? [];
    return new Uri(scheme, decodeURIComponent(authority), decodeURIComponent(path), decodeURIComponent(query));
  }
  static joinPath(uri: Uri, ...parts: string[]): Uri {
    return uri.with({ path: posix.join(uri.path, ...parts) });
  }
  get fsPath(): string {
    return this.path;
  }
  with(change: Partial<Uri>): Uri {
    return Uri.from({ scheme: this.scheme, authority: this.authority, path: this.path, query: this.query, ...change });
  }
  toString(): string {
    const query = this.query === '' ? '' : `?${encodeURIComponent(this.query)}`;
    const authority = this.scheme === 'file' || this.authority ? `//${encodeURIComponent(this.authority)}` : '';
    return `${this.scheme}:${authority}${this.path.split('/').map(encodeURIComponent).join('/')}${query}`;
  }
}

export class TabInputTextDiff {
  constructor(
    readonly original: Uri,
    readonly modified: Uri,
  ) {}
}

export class CodeLens {
  constructor(
    readonly range: Range,
    readonly command?: vscode.Command,
  ) {}
}

export class TextEdit {
  constructor(
    readonly range: Range,
    readonly newText: string,
  ) {}
}

export class WorkspaceEdit {
  readonly edits: { uri: Uri; range: Range; text: string }[] = [];
  replace(uri: Uri, range: Range, text: string): void {
    this.edits.push({ uri, range, text });
  }
  insert(uri: Uri, at: Position, text: string): void {
    this.replace(uri, new Range(at, at), text);
  }
}

export const EndOfLine = { LF: 1, CRLF: 2 } as const;
export const FilePermission = { Readonly: 1 } as const;
export const ViewColumn = { Active: -1, Beside: -2, One: 1 } as const;
export const UIKind = { Desktop: 1, Web: 2 } as const;
export const ProgressLocation = { SourceControl: 1, Window: 10, Notification: 15 } as const;
export const OverviewRulerLane = { Left: 1, Center: 2, Right: 4, Full: 7 } as const;
export const TextDocumentChangeReason = { Undo: 1, Redo: 2 } as const;
export const TextDocumentSaveReason = { Manual: 1, AfterDelay: 2, FocusOut: 3 } as const;
export const ColorThemeKind = { Light: 1, Dark: 2, HighContrast: 3, HighContrastLight: 4 } as const;
export const QuickPickItemKind = { Separator: -1, Default: 0 } as const;
export const TreeItemCollapsibleState = { None: 0, Collapsed: 1, Expanded: 2 } as const;

export class TreeItem {
  constructor(
    readonly label: string,
    readonly collapsibleState = 0,
  ) {}
}

export class ThemeIcon {
  constructor(readonly id: string) {}
}
