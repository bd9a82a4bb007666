/**
 * Finds declarations in lines of code, with their extent, by patterns that fit many languages at once. Pure.
 *
 * Not by tree-sitter, as in the index: the code blocks of answers are fragments, with gaps or methods outside of their
 * class, in any language or none, and a parser that recovers from errors would name them differently from the same
 * declarations in the file. The same patterns must read both. It also has to answer at once, without loading a grammar.
 */
import { extentEnd, indentOf, isBlank } from './lines.ts';

export interface Declaration {
  readonly name: string;
  readonly kind: 'variable' | 'other';
  /** The first line of the comments and decorators above the declaration. */
  readonly lead: number;
  /** The first line of the decorators alone. */
  readonly decorators: number;
  readonly line: number;
  /** The line after the last one. */
  readonly end: number;
}

const MODIFIERS =
  /^(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|pub(?:\([^)]*\))?|override|virtual|readonly|declare|unsafe|extern|sealed|partial|inline|open|suspend|data|const(?=\s+fn\b))\s+)+/;
const KEYWORD =
  /^(?:function\*?|class|interface|enum|struct|trait|type|namespace|module|def|fn|func|fun|sub|object|protocol|record|union|mod|contract|procedure)\s+([\p{L}_$][\p{L}\p{N}_$.]*[?!]?)/u;
const GO_METHOD = /^func\s*\(\s*\w*\s*\*?\s*(\w+)[^)]*\)\s*(\w+)/;
const VARIABLE = /^(?:const|let|var|val)\s+(?:mut\s+)?([\p{L}_$][\p{L}\p{N}_$]*)\s*[:=]/u;
const CALLABLE = /(~?[\p{L}_$#][\p{L}\p{N}_$:]*)\s*(?:<[^()]*>)?\(/u;
const CONTROL =
  /^(?:\}|\)|\]|if|else|for|foreach|while|switch|match|case|catch|try|do|with|return|throw|await|yield|new|loop|unless|until|when|using|lock|finally|elif|except)(?![\w$])/;
const COMMENT = /^(?:\/\/|\/\*|\*|#(?!\[|include|define|if|endif)|--|"""|''')/;
const DECORATOR = /^(?:@[\w.]|#\[|\[[A-Z]\w*.*\]$)/;

/** All declarations at any depth, in the order of their lines. */
export function declarations(lines: readonly string[]): Declaration[] {
  return lines.flatMap((text, line) => {
    const named = nameOf(lines, line);
    if (!named || COMMENT.test(text.trimStart())) return [];
    return [{ ...named, ...leadOf(lines, line), line, end: extentEnd(lines, line) }];
  });
}

/** The declarations that lie in no other one. */
export function outermost(all: readonly Declaration[]): Declaration[] {
  let end = 0;
  return all.filter((each) => {
    if (each.line < end) return false;
    end = each.end;
    return true;
  });
}

/** The names of the declarations around a line, from the outermost one: "Shop › price". */
export function pathOf(all: readonly Declaration[], line: number): string {
  return all
    .filter((each) => each.line <= line && line < each.end)
    .map(({ name }) => name)
    .join(' › ');
}

/** The key by which a line is found again in another version of its file: the name that it declares, or its text. */
export function lineKey(line: string): string {
  const named = nameOf([line], 0);
  return `${indentOf(line).length}:${named && named.name !== header(line) ? named.name : line.trim()}`;
}

function nameOf(lines: readonly string[], line: number): Pick<Declaration, 'name' | 'kind'> | undefined {
  const text = lines[line]!.trim();
  if (text === '' || CONTROL.test(text)) return undefined;
  const bare = text.replace(MODIFIERS, '');
  const method = GO_METHOD.exec(bare);
  if (method) return { name: `${method[1]}.${method[2]}`, kind: 'other' };
  const name = KEYWORD.exec(bare)?.[1];
  if (name) return { name, kind: 'other' };
  const variable = VARIABLE.exec(bare)?.[1];
  if (variable) return { name: variable, kind: 'variable' };
  const called = CALLABLE.exec(bare)?.[1];
  if (called && !CONTROL.test(called) && isSignature(lines, line, bare)) return { name: called, kind: 'other' };
  // A rule of a style sheet, a test, a message, or a block of a configuration: its whole header is its name.
  return /[{:]$/.test(text) && !/^["']?[{[]/.test(text) ? { name: header(text), kind: 'other' } : undefined;
}

const header = (line: string): string => line.trim().replace(/\s*[{:]$/, '');

/** Whether this is `name(…) {` on one line or several, and not a call with a function as its last argument. */
function isSignature(lines: readonly string[], line: number, bare: string): boolean {
  const open = (bare.match(/\(/g) ?? []).length - (bare.match(/\)/g) ?? []).length;
  if (/=>|=\s*function|[=.,"'`]\s*[\p{L}_$#]+\s*\(/u.test(bare.split('{')[0]!) && !/\)\s*:/.test(bare)) return false;
  if (open === 0) {
    if (/\{\s*(?:\/\/.*)?$|\{.*\}$/.test(bare)) return true;
    const next = lines[line + 1] ?? '';
    return !/[;,]$/.test(bare) && next.trim() === '{' && indentOf(next) === indentOf(lines[line]!);
  }
  if (!/[(,]$/.test(bare)) return false;
  const indent = indentOf(lines[line]!);
  const close = lines.slice(line + 1).find((each) => !isBlank(each) && indentOf(each).length <= indent.length);
  return close !== undefined && /^\s*\).*\{$/.test(close);
}

/** The comments and decorators directly above a line. */
function leadOf(lines: readonly string[], line: number): Pick<Declaration, 'lead' | 'decorators'> {
  const indent = indentOf(lines[line]!).length;
  const above = (from: number, pattern: RegExp): number => {
    let first = from;
    while (first > 0 && pattern.test(lines[first - 1]!.trimStart())) {
      // The asterisks of a block comment are indented by one more column.
      if (indentOf(lines[first - 1]!).length - indent > 1) break;
      first--;
    }
    return first;
  };
  const decorators = above(line, DECORATOR);
  return { decorators, lead: above(decorators, COMMENT) };
}
