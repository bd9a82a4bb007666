/** The languages that the extension knows by name or ending. Pure. */

interface Language {
  /** VS Code's identifier. */
  readonly id: string;
  /** Other names that stand behind a fence. */
  readonly names?: readonly string[];
  /** The endings of files that the project's index parses, and the tree-sitter grammar that does. */
  readonly endings?: readonly string[];
  readonly grammar?: string;
}

const LANGUAGES: readonly Language[] = [
  { id: 'c', endings: ['.c', '.h'], grammar: 'cpp' },
  { id: 'cpp', names: ['c++'], endings: ['.cc', '.cpp', '.cxx', '.hh', '.hpp'], grammar: 'cpp' },
  { id: 'csharp', names: ['cs'], endings: ['.cs'], grammar: 'c-sharp' },
  { id: 'css', endings: ['.css'], grammar: 'css' },
  { id: 'diff', names: ['patch'] },
  { id: 'dockerfile', names: ['docker'] },
  { id: 'go', names: ['golang'], endings: ['.go'], grammar: 'go' },
  { id: 'html', names: ['htm'] },
  { id: 'java', endings: ['.java'], grammar: 'java' },
  { id: 'javascript', names: ['js'], endings: ['.js', '.mjs', '.cjs'], grammar: 'javascript' },
  { id: 'javascriptreact', names: ['jsx'], endings: ['.jsx'], grammar: 'javascript' },
  { id: 'kotlin', names: ['kt'] },
  { id: 'makefile', names: ['make'] },
  { id: 'markdown', names: ['md'] },
  { id: 'php', endings: ['.php'], grammar: 'php' },
  { id: 'powershell', names: ['ps1'] },
  { id: 'python', names: ['py'], endings: ['.py', '.pyi'], grammar: 'python' },
  { id: 'ruby', names: ['rb'], endings: ['.rb'], grammar: 'ruby' },
  { id: 'rust', names: ['rs'], endings: ['.rs'], grammar: 'rust' },
  { id: 'shellscript', names: ['bash', 'console', 'sh', 'shell', 'zsh'], endings: ['.sh', '.bash'], grammar: 'bash' },
  { id: 'typescript', names: ['ts'], endings: ['.ts', '.mts', '.cts'], grammar: 'typescript' },
  { id: 'typescriptreact', names: ['tsx'], endings: ['.tsx'], grammar: 'tsx' },
  { id: 'yaml', names: ['yml'] },
];

const IDS = new Map(LANGUAGES.flatMap(({ id, names = [] }) => names.map((name) => [name, id])));
const GRAMMAR_OF = new Map(
  LANGUAGES.flatMap(({ endings = [], grammar }) => (grammar ? endings.map((ending) => [ending, grammar]) : [])),
);

/** The grammars that the package must hold. */
export const GRAMMARS: ReadonlySet<string> = new Set(GRAMMAR_OF.values());

/** VS Code's identifier for the name of a language that stands behind a fence; the name itself if it is not known. */
export function languageNamed(name: string): string {
  const lower = name.toLowerCase();
  return IDS.get(lower) ?? lower;
}

/** The grammar that parses files with this ending, which begins with a dot; undefined if none does. */
export function grammarOf(ending: string): string | undefined {
  return GRAMMAR_OF.get(ending.toLowerCase());
}
