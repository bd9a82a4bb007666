/** Diagnostics as text: the message, its location, and the code it refers to. */
import * as vscode from 'vscode';
import { hideSecrets } from '../../reading/secrets.ts';
import type { Source } from './attachment.ts';
import { oneLine, plainText } from '../../reading/plainText.ts';
import { nameOf, textOf } from '../../reading/vscode/textOf.ts';

/** More make the prompt long and the answer vague; the most severe are listed first. */
const MOST = 50;
/** Maximum number of lines of code included per problem. */
const LONGEST_CODE_LINES = 5;

export interface ProblemPlace {
  readonly uri?: string;
  /** Line number, 1-based. */
  readonly line?: number;
}

interface Problem {
  readonly uri: vscode.Uri;
  readonly diagnostic: vscode.Diagnostic;
}

/** Returns one source; rejects with a sentence if there are no problems. */
export async function problemSources(
  place: ProblemPlace,
  excluded: readonly string[],
  signal: AbortSignal,
): Promise<Source[]> {
  const found = problemsAt(place);
  if (found.length === 0) throw new Error(noProblems(place));
  const told: string[] = [];
  const texts = new Map<string, string[] | undefined>();
  for (const problem of found.slice(0, MOST)) {
    const key = problem.uri.toString();
    if (!texts.has(key)) texts.set(key, await codeLines(problem.uri, excluded, signal));
    const lines = texts.get(key);
    // A message may quote text that must not be read.
    if (lines) told.push(describe(problem, lines));
  }
  if (told.length === 0) throw new Error(vscode.l10n.t('The files that have problems are excluded.'));
  if (found.length > told.length) told.push(`(${found.length - told.length} more are left out.)`);
  return [{ name: 'problems', text: told.join('\n'), uri: '', firstLine: 1 }];
}

/** Whether there are problems to read; cheap. */
export function hasProblems(place: ProblemPlace): boolean {
  return problemsAt(place).length > 0;
}

/** Sorted by severity, then by file and line. */
function problemsAt({ uri, line }: ProblemPlace): Problem[] {
  const files: [vscode.Uri, vscode.Diagnostic[]][] =
    uri === undefined
      ? vscode.languages.getDiagnostics()
      : [[vscode.Uri.parse(uri), vscode.languages.getDiagnostics(vscode.Uri.parse(uri))]];
  return files
    .flatMap(([uri, diagnostics]) => diagnostics.map((diagnostic) => ({ uri, diagnostic })))
    .filter(({ diagnostic }) => line === undefined || covers(diagnostic.range, line))
    .sort((a, b) => a.diagnostic.severity - b.diagnostic.severity || byPlace(a, b));
}

function covers({ start, end }: vscode.Range, line: number): boolean {
  return start.line < line && line <= end.line + 1;
}

function byPlace(a: Problem, b: Problem): number {
  const [first, second] = [a.uri.toString(), b.uri.toString()];
  if (first !== second) return first < second ? -1 : 1;
  return a.diagnostic.range.start.line - b.diagnostic.range.start.line;
}

/** Undefined if the file must not or cannot be read. */
async function codeLines(
  uri: vscode.Uri,
  excluded: readonly string[],
  signal: AbortSignal,
): Promise<string[] | undefined> {
  try {
    return (await textOf(uri, excluded, signal)).text.split('\n');
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

const SEVERITIES = ['error', 'warning', 'information', 'hint'];

function describe({ uri, diagnostic }: Problem, lines: string[]): string {
  const { range, severity, message, source, code } = diagnostic;
  const { line, character } = range.start;
  const rule = [source, typeof code === 'object' ? code.value : code].filter((part) => part !== undefined).join(' ');
  const kind = `${SEVERITIES[severity] ?? 'problem'}${rule === '' ? '' : ` (${oneLine(rule)})`}`;
  const last = Math.min(range.end.line, line + LONGEST_CODE_LINES - 1);
  const said = hideSecrets(plainText(message));
  const shown = lines.slice(line, last + 1).map((each) => `    ${each}`);
  return [`${nameOf(uri)}:${line + 1}:${character + 1}: ${kind}: ${said}`, ...shown].join('\n');
}

function noProblems({ uri, line }: ProblemPlace): string {
  const { t } = vscode.l10n;
  if (uri === undefined) return t('There are no problems in the workspace.');
  if (line !== undefined) return t('There are no problems on line {0}.', line);
  return t('There are no problems in {0}.', nameOf(vscode.Uri.parse(uri)));
}
