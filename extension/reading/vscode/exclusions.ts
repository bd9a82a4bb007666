/** Which files the chat never reads. */
import picomatch from 'picomatch';
import * as vscode from 'vscode';
import { isSecretPath } from '../secrets.ts';

/** What the setting airgap.completion.exclude names, and files that hold secrets by their name. */
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

/** Patterns may mean the whole path or the one in the workspace. */
export function matchesAny(uri: vscode.Uri, patterns: readonly string[]): boolean {
  const paths = [uri.path.replace(/^\//, ''), vscode.workspace.asRelativePath(uri, false)];
  return patterns.some((pattern) => {
    const matches = matcher(pattern);
    return paths.some((path) => matches(path));
  });
}

const matchers = new Map<string, (path: string) => boolean>();

/** A pattern that matches a folder means what is in it, too: `**\/node_modules`. */
function matcher(pattern: string): (path: string) => boolean {
  let found = matchers.get(pattern);
  if (!found) {
    const plain = pattern.replace(/^\//, '');
    matchers.set(pattern, (found = picomatch([plain, `${plain}/**`], { dot: true })));
  }
  return found;
}
