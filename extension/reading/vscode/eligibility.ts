/** Which documents get completions at all, whatever scheme they come from. */
import * as vscode from 'vscode';
import { languageEnabled, type Settings } from '../../settings.ts';

/** Inputs and views that are documents inside VS Code but no files a person edits. */
const NOT_EDITORS =
  /^(output|debug|comment|git|search-editor|walkThrough.*|vscode-(scm|terminal|settings|chat.*)|chat.*)$/;
/** Editable without a file system behind them. */
const WITHOUT_FILES = ['untitled', 'vscode-notebook-cell', 'vscode-interactive-input'];

export function isEligible(document: vscode.TextDocument, settings: Settings): boolean {
  return (
    languageEnabled(settings.enable, document.languageId) &&
    isEditable(document.uri.scheme) &&
    !settings['files.exclude'].some((pattern) => vscode.languages.match({ pattern }, document) > 0)
  );
}

/** False for output, logs and inputs, which are documents inside VS Code but nobody's code. */
export function hasCode({ uri, languageId }: vscode.TextDocument): boolean {
  return !NOT_EDITORS.test(uri.scheme) && languageId !== 'log';
}

function isEditable(scheme: string): boolean {
  if (NOT_EDITORS.test(scheme)) return false;
  return WITHOUT_FILES.includes(scheme) || vscode.workspace.fs.isWritableFileSystem(scheme) === true;
}
