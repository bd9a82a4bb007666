/** Which files the chat never reads. */
import * as vscode from 'vscode';
import { globMatcher } from '../globs.ts';
import { isSecretPath } from '../secrets.ts';

/** What the setting airgap.files.exclude names, and files that hold secrets by their name. */
export function isRefused(uri: vscode.Uri, excluded: readonly string[]): boolean {
  return isSecretPath(uri.path) || matchesAny(uri, excluded);
}

/** What VS Code itself hides from the explorer or from searches: the patterns of both settings that are on. */
export function hiddenPatterns(scope?: vscode.Uri): string[] {
  return ['files', 'search'].flatMap((section) => {
    const patterns = vscode.workspace.getConfiguration(section, scope).get<Record<string, unknown>>('exclude', {});
    // A condition on a neighbour ({"when": …}) hides what is generated; here it counts as off.
    return Object.keys(patterns).filter((pattern) => patterns[pattern] === true);
  });
}

/** Whether a pattern matches the whole path or the path in the workspace. */
export function matchesAny(uri: vscode.Uri, patterns: readonly string[]): boolean {
  const paths = [uri.path.replace(/^\//, ''), vscode.workspace.asRelativePath(uri, false)];
  return paths.some(globMatcher(patterns));
}
