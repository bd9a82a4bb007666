/** Default context of a question without attachments: the selection, or the symbol around the cursor. */
import * as vscode from 'vscode';
import type { Attachment } from './attachment.ts';
import type { SlashContext } from '../commands/slash.ts';
import { hasProblems } from './problems.ts';
import { documentSymbols, enclosing, inTime } from './symbols.ts';

/** Lines around the cursor that are taken if no language server provides symbols. */
const LINES_AROUND = 40;

const CODE: readonly Attachment['kind'][] = ['selection', 'symbol', 'file', 'folder', 'picture'];

/** The attachments, and the default context of a slash command if none of its kind is attached. */
export async function withDefaults(context: SlashContext, attached: readonly Attachment[]): Promise<Attachment[]> {
  const kept = meansLess(context, attached) ? attached.filter(({ kind }) => kind !== 'file') : attached;
  return [...kept, ...(await defaultAttachments(context, kept))];
}

/**
 * Whether the only code is an automatically attached file: then the code at its cursor is meant, or the staged changes.
 */
function meansLess(context: SlashContext, attached: readonly Attachment[]): boolean {
  const [file, ...others] = attached.filter(({ kind }) => CODE.includes(kind));
  if (context === 'nothing' || file?.kind !== 'file' || !file.automatic || others.length > 0) return false;
  return context === 'staged' || file.uri === vscode.window.activeTextEditor?.document.uri.toString();
}

async function defaultAttachments(context: SlashContext, attached: readonly Attachment[]): Promise<Attachment[]> {
  const has = (...kinds: Attachment['kind'][]): boolean => attached.some(({ kind }) => kinds.includes(kind));
  if (context === 'nothing') return [];
  if (context === 'staged') return has('changes') ? [] : [{ kind: 'changes', staged: true }];
  const editor = vscode.window.activeTextEditor;
  const about = attached.find((each) => 'uri' in each && each.kind !== 'folder' && each.kind !== 'problems');
  if (about && 'uri' in about && about.uri !== editor?.document.uri.toString()) {
    return context === 'problems' && !has('problems') ? problemsOf(about.uri) : [];
  }
  if (!editor) return [];
  const code = has(...CODE) ? [] : [await codeAt(editor.document, editor.selection)];
  if (context === 'code' || has('problems')) return code;
  return [...code, ...problemsAt(editor.document, editor.selection)];
}

/** The lines of a non-empty range, else the symbol around it, else nearby lines, or the whole file if it is small. */
export async function codeAt(document: vscode.TextDocument, range: vscode.Range): Promise<Attachment> {
  const selection = selectionOf(document, range);
  if (selection) return selection;
  const uri = document.uri.toString();
  const line = range.start.line + 1;
  const symbol = enclosing(await inTime(documentSymbols(document.uri)), line);
  if (symbol && symbol.lastLine > symbol.firstLine) {
    const { name, firstLine, lastLine } = symbol;
    return { kind: 'symbol', uri, name, firstLine, lastLine };
  }
  if (document.lineCount <= 2 * LINES_AROUND) return { kind: 'file', uri };
  const lastLine = Math.min(document.lineCount, line + LINES_AROUND);
  return { kind: 'selection', uri, firstLine: Math.max(1, line - LINES_AROUND), lastLine };
}

/** The whole lines of a range; undefined if it is empty. */
export function selectionOf(document: vscode.TextDocument, { start, end }: vscode.Range): Attachment | undefined {
  if (start.line === end.line && start.character === end.character) return undefined;
  // A selection that ends before a line's first character does not include that line.
  const lastLine = end.character === 0 ? end.line : end.line + 1;
  return { kind: 'selection', uri: document.uri.toString(), firstLine: start.line + 1, lastLine };
}

/** The problems of the range's first line, else all of the file; empty if there are none. */
export function problemsAt(document: vscode.TextDocument, range: vscode.Range): Attachment[] {
  const uri = document.uri.toString();
  const line = range.start.line + 1;
  const singleLine = range.start.line === range.end.line;
  if (singleLine && hasProblems({ uri, line })) return [{ kind: 'problems', uri, line }];
  return problemsOf(uri);
}

function problemsOf(uri: string | undefined): Attachment[] {
  return uri !== undefined && hasProblems({ uri }) ? [{ kind: 'problems', uri }] : [];
}
