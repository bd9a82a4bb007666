/** Decides which documents get completions, by language, scheme and exclusions. */
import * as vscode from 'vscode';
import { languageEnabled, type Settings } from '../../settings.ts';

/** Schemes of inputs and views that are documents in VS Code, but not files that a person edits. */
const NOT_EDITORS =
  /^(output|debug|comment|git|search-editor|walkThrough.*|vscode-(scm|terminal|settings|chat.*)|chat.*)$/;
/** Schemes that can be edited without a file system behind them. */
const WITHOUT_FILES = ['untitled', 'vscode-notebook-cell', 'vscode-interactive-input'];

export function isEligible(document: vscode.TextDocument, settings: Settings): boolean {
  return (
    languageEnabled(settings.enable, document.languageId) &&
    isEditable(document.uri.scheme) &&
    !settings['files.exclude'].some((pattern) => vscode.languages.match({ pattern }, document) > 0)
  );
}

/** False for output, logs and inputs, which are documents in VS Code but not code. */
export function hasCode({ uri, languageId }: vscode.TextDocument): boolean {
  return !NOT_EDITORS.test(uri.scheme) && languageId !== 'log';
}

/** Whether people edit documents of this kind, in whatever file system; views and inputs have documents, too. */
export function isEditor({ scheme }: vscode.Uri): boolean {
  const hasFiles = vscode.workspace.fs.isWritableFileSystem(scheme) !== undefined;
  return !NOT_EDITORS.test(scheme) && (WITHOUT_FILES.includes(scheme) || hasFiles);
}

function isEditable(scheme: string): boolean {
  if (NOT_EDITORS.test(scheme)) return false;
  return WITHOUT_FILES.includes(scheme) || vscode.workspace.fs.isWritableFileSystem(scheme) === true;
}
