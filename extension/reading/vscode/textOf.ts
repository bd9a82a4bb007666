/** Reads the text of a file for a prompt: from the open document if there is one, with secrets hidden, within limits. */
import * as vscode from 'vscode';
import { hideSecrets } from '../secrets.ts';
import { isRefused } from './exclusions.ts';
import { linesOf, oneLine, plainText } from '../plainText.ts';

/** About twice as much as a context of 128K tokens holds. */
export const LARGEST_FILE_BYTES = 1_000_000;
/** Lines read around a part of a file, to recognise a private key that starts outside of it; the longest have 100. */
const LINES_AROUND = 200;

export interface ReadText {
  readonly text: string;
  /** The line of the file at which the text starts, from 1. */
  readonly firstLine: number;
}

/** Rejects with a sentence if the file must not or cannot be read. `lines` count from 1. */
export async function textOf(
  uri: vscode.Uri,
  excluded: readonly string[],
  signal: AbortSignal,
  lines?: [first: number, last: number],
): Promise<ReadText> {
  const name = nameOf(uri);
  if (isRefused(uri, excluded)) {
    throw new Error(
      vscode.l10n.t(
        '{0} is not read because a setting excludes it or files with this name usually contain secrets.',
        name,
      ),
    );
  }
  refuseOtherKinds(uri, name);
  const open = openDocument(uri);
  if (open) return partOf(open, name, lines);
  const text = hideSecrets(plainText(await storedText(uri, name)));
  signal.throwIfAborted();
  return lines ? { text: linesOf(text, lines[0], lines[1]), firstLine: lines[0] } : { text, firstLine: 1 };
}

/** The name by which user and model know a file: its path in the workspace. */
export function nameOf(uri: vscode.Uri): string {
  return oneLine(vscode.workspace.asRelativePath(uri));
}

/** The last part of the path. */
export function baseName(uri: vscode.Uri): string {
  return oneLine(uri.path.split('/').findLast((part) => part !== '') ?? uri.path);
}

export function openDocument(uri: vscode.Uri): vscode.TextDocument | undefined {
  const key = uri.toString();
  return vscode.workspace.textDocuments.find((document) => document.uri.toString() === key);
}

const IMAGE = /\.(png|jpe?g|gif|webp|bmp|ico|tiff?|avif|heic)$/i;

function refuseOtherKinds(uri: vscode.Uri, name: string): void {
  const { t } = vscode.l10n;
  if (IMAGE.test(uri.path)) throw new Error(t('{0} is an image. The model can only read text.', name));
  if (/\.ipynb$/i.test(uri.path) && uri.scheme !== 'vscode-notebook-cell') {
    throw new Error(t('{0} is a notebook. Attach a selection from one of its cells instead.', name));
  }
}

/** Takes only the requested part of a document, because a large one takes long to search for secrets. */
function partOf(document: vscode.TextDocument, name: string, lines: [number, number] | undefined): ReadText {
  const first = lines ? Math.max(1, lines[0] - LINES_AROUND) : 1;
  const end = new vscode.Position(lines ? lines[1] + LINES_AROUND : document.lineCount, 0);
  const start = new vscode.Position(first - 1, 0);
  const raw = document.getText(new vscode.Range(start, end));
  if (raw.length > LARGEST_FILE_BYTES) throw tooLarge(name);
  const text = hideSecrets(plainText(raw));
  if (!lines) return { text, firstLine: 1 };
  return { text: linesOf(text, lines[0] - first + 1, lines[1] - first + 1), firstLine: lines[0] };
}

async function storedText(uri: vscode.Uri, name: string): Promise<string> {
  const { t } = vscode.l10n;
  const stat = await orSentence(vscode.workspace.fs.stat(uri), t('{0} cannot be read.', name));
  if (stat.type & vscode.FileType.Directory) throw new Error(t('{0} is a folder.', name));
  if (stat.size > LARGEST_FILE_BYTES) throw tooLarge(name);
  const bytes = await orSentence(vscode.workspace.fs.readFile(uri), t('{0} cannot be read.', name));
  // Rejects if the content is binary.
  return orSentence(vscode.workspace.decode(bytes, { uri }), t('{0} is not a text file.', name));
}

function tooLarge(name: string): Error {
  const megabytes = LARGEST_FILE_BYTES / 1_000_000;
  return new Error(vscode.l10n.t('{0} is larger than {1} MB. Attach a selection instead.', name, megabytes));
}

/** Replaces the messages of file systems, which often hold codes and paths, by a sentence. */
export async function orSentence<T>(promise: Thenable<T>, sentence: string): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw new Error(sentence, { cause: error });
  }
}
