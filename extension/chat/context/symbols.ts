/** Symbols of documents and of the workspace, from the language servers. */
import * as vscode from 'vscode';

/** Language servers can be slow; after this time, the result is no longer awaited. */
const LIMIT_MS = 2000;

export interface NamedRange {
  readonly name: string;
  readonly uri: vscode.Uri;
  /** Line number, 1-based. */
  readonly firstLine: number;
  readonly lastLine: number;
}

/** All symbols of a document, outer ones before those inside them; empty if no provider supports the language. */
export async function documentSymbols(uri: vscode.Uri): Promise<NamedRange[]> {
  type Found = (vscode.DocumentSymbol | vscode.SymbolInformation)[] | undefined;
  const found = await vscode.commands.executeCommand<Found>('vscode.executeDocumentSymbolProvider', uri);
  const flat = (symbol: vscode.DocumentSymbol | vscode.SymbolInformation): NamedRange[] => {
    const range = 'location' in symbol ? symbol.location.range : symbol.range;
    const inside = 'children' in symbol ? symbol.children.flatMap(flat) : [];
    return [named(symbol.name, uri, range), ...inside];
  };
  return (found ?? []).flatMap(flat);
}

export async function workspaceSymbols(query: string): Promise<NamedRange[]> {
  const found = await vscode.commands.executeCommand<vscode.SymbolInformation[] | undefined>(
    'vscode.executeWorkspaceSymbolProvider',
    query,
  );
  return (found ?? []).map(({ name, location }) => named(name, location.uri, location.range));
}

/** Providers cannot be cancelled through a command, so a slow or failing one simply yields no symbols. */
export function inTime(symbols: Promise<NamedRange[]>, signal?: AbortSignal): Promise<NamedRange[]> {
  return new Promise((resolve) => {
    const done = (found: NamedRange[]): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', none);
      resolve(found);
    };
    const none = (): void => done([]);
    const timer = setTimeout(none, LIMIT_MS);
    signal?.addEventListener('abort', none);
    symbols.then(done, none);
  });
}

/** The smallest symbol that spans several lines around a (1-based) line, or the one on that line. */
export function enclosing(symbols: readonly NamedRange[], line: number): NamedRange | undefined {
  const around = symbols.filter(({ firstLine, lastLine }) => firstLine <= line && line <= lastLine);
  const size = ({ firstLine, lastLine }: NamedRange): number => lastLine - firstLine;
  const bySize = around.toSorted((a, b) => size(a) - size(b));
  return bySize.find((symbol) => size(symbol) > 0) ?? bySize[0];
}

/** Workspace symbols often have only the line of the name; the full range comes from the document's symbols. */
export async function wholeSymbol(symbol: NamedRange): Promise<NamedRange> {
  const same = (await inTime(documentSymbols(symbol.uri))).filter(
    ({ name, firstLine, lastLine }) =>
      bareName(name) === bareName(symbol.name) && firstLine <= symbol.firstLine && symbol.firstLine <= lastLine,
  );
  return same.at(-1) ?? symbol;
}

/** Some servers write `name()` or `name(a, b)` in one of the two lists. */
export function bareName(name: string): string {
  return name.replace(/\(.*$/s, '');
}

function named(name: string, uri: vscode.Uri, range: vscode.Range): NamedRange {
  return { name, uri, firstLine: range.start.line + 1, lastLine: range.end.line + 1 };
}
