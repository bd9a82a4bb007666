/** The languages that the extension knows by name or ending. Pure. */
import { GRAMMARS } from '../../engine/syntax/grammars.ts';

interface Language {
  /** VS Code's identifier. */
  readonly id: string;
  /** Other names that stand behind a fence. */
  readonly names?: readonly string[];
  /** The endings of files that the project's index parses. */
  readonly endings?: readonly string[];
}

const LANGUAGES: readonly Language[] = [
  { id: 'c', endings: ['.c', '.h'] },
  { id: 'cpp', names: ['c++'], endings: ['.cc', '.cpp', '.cxx', '.hh', '.hpp'] },
  { id: 'csharp', names: ['cs'], endings: ['.cs'] },
  { id: 'css', endings: ['.css'] },
  { id: 'diff', names: ['patch'] },
  { id: 'dockerfile', names: ['docker'] },
  { id: 'go', names: ['golang'], endings: ['.go'] },
  { id: 'html', names: ['htm'] },
  { id: 'java', endings: ['.java'] },
  { id: 'javascript', names: ['js'], endings: ['.js', '.mjs', '.cjs'] },
  { id: 'javascriptreact', names: ['jsx'], endings: ['.jsx'] },
  { id: 'kotlin', names: ['kt'] },
  { id: 'makefile', names: ['make'] },
  { id: 'markdown', names: ['md'] },
  { id: 'php', endings: ['.php'] },
  { id: 'powershell', names: ['ps1'] },
  { id: 'python', names: ['py'], endings: ['.py', '.pyi'] },
  { id: 'ruby', names: ['rb'], endings: ['.rb'] },
  { id: 'rust', names: ['rs'], endings: ['.rs'] },
  { id: 'shellscript', names: ['bash', 'console', 'sh', 'shell', 'zsh'], endings: ['.sh', '.bash'] },
  { id: 'typescript', names: ['ts'], endings: ['.ts', '.mts', '.cts'] },
  { id: 'typescriptreact', names: ['tsx'], endings: ['.tsx'] },
  { id: 'yaml', names: ['yml'] },
];

const IDS = new Map(LANGUAGES.flatMap(({ id, names = [] }) => names.map((name) => [name, id])));
const GRAMMAR_OF = new Map(
  LANGUAGES.flatMap(({ id, endings = [] }) => endings.map((ending) => [ending, GRAMMARS[id]!])),
);

/** VS Code's identifier for the name of a language that stands behind a fence; the name itself if it is not known. */
export function languageNamed(name: string): string {
  const lower = name.toLowerCase();
  return IDS.get(lower) ?? lower;
}

/** The grammar that parses files with this ending, which begins with a dot; undefined if none does. */
export function grammarOf(ending: string): string | undefined {
  return GRAMMAR_OF.get(ending.toLowerCase());
}
