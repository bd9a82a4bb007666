/** Files that no feature reads. */
import * as vscode from 'vscode';
import { globMatcher } from '../globs.ts';
import { isSecretPath } from '../secrets.ts';

/** Whether a file may not be read: airgap.files.exclude excludes it, or its name suggests secrets. */
export function isRefused(uri: vscode.Uri, excluded: readonly string[]): boolean {
  return isSecretPath(uri.path) || matchesAny(uri, excluded);
}

/** The patterns of `files.exclude` and `search.exclude` that are on. */
export function hiddenPatterns(scope?: vscode.Uri): string[] {
  return ['files', 'search'].flatMap((section) => {
    const patterns = vscode.workspace.getConfiguration(section, scope).get<Record<string, unknown>>('exclude', {});
    // A pattern with a condition on a neighbouring file ({"when": …}) counts as off.
    return Object.keys(patterns).filter((pattern) => patterns[pattern] === true);
  });
}

/** Whether a pattern matches the whole path or the path in the workspace. */
export function matchesAny(uri: vscode.Uri, patterns: readonly string[]): boolean {
  const paths = [uri.path.replace(/^\//, ''), vscode.workspace.asRelativePath(uri, false)];
  return paths.some(globMatcher(patterns));
}
